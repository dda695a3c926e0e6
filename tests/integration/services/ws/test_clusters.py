"""ws as a parent with several cluster processes: crashes, rolling restarts, shared IDENTIFY pacing."""

from __future__ import annotations

import json
import os
import signal
import statistics
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from support.processes.commands import fetch, until
from support.system.clusters import Clusters
from support.system.system import Load

RATE = 300


def _check(load: Load) -> None:
    findings = load.check()
    assert findings.good, findings


def _under_load(system: Clusters, act: Callable[[], None]) -> None:
    """Act under load; check that no event was lost, duplicated unmarked, or reordered."""
    with system.load(rate=RATE) as load:
        load.handled(more_than=100)
        act()
        system.until_answers("ws", "/readyz")
        load.handled(more_than=load.handled() + 100)
        _check(load)


def test_every_cluster_holds_its_share_and_one_answer_covers_all(clusters: Clusters) -> None:
    stats = clusters.stats("ws")
    assert [each["shards"] for each in stats["clusters"]] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9, 10, 11],
        [12, 13, 14, 15],
    ]
    assert len({each["pid"] for each in stats["clusters"]} | {clusters.pid_of("ws")}) == 5
    assert [(each["shard_id"], each["cluster"]) for each in stats["shards"]] == [
        (i, i // 4) for i in range(16)
    ]
    assert all(each["connected"] and each["down_for"] is None for each in stats["shards"])
    assert 0 < stats["identifies_left_today"] < 1000
    text = _metrics(clusters)
    for line in (
        'nescord_shard_connected{shard="15"} 1.0',
        'nescord_shard_state{shard="0",state="connected"} 1.0',
        'nescord_cluster_up{cluster="3"} 1.0',
        'nescord_shard_identifies_total{shard="7"} 1.0',
        'nescord_shard_events_total{shard="0",type="READY"} 1.0',
        "nescord_outbox_depth 0.0",
        f"nescord_identifies_left {stats['identifies_left_today']}.0",
    ):
        assert line in text


def test_status_shows_shards_and_the_day_s_budget(clusters: Clusters) -> None:
    left = clusters.stats("ws")["identifies_left_today"]
    shown = json.loads(clusters.run("status", "--json").stdout)["ws"]
    assert (shown["shards_connected"], shown["shards"], shown["identifies_left_today"]) == (16, 16, left)
    assert f"16 of 16 shards connected, {left} IDENTIFYs left today" in clusters.run("status").stdout
    assert "16 shards of 16 in 4 processes of at most 4" in clusters.ws.output


def test_no_secret_is_on_a_command_line_or_in_an_environment(clusters: Clusters) -> None:
    token = clusters.environ["DISCORD_BOT_TOKEN"]
    for pid in clusters.pids():
        assert token.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert b"DISCORD_BOT_TOKEN=" not in Path(f"/proc/{pid}/environ").read_bytes()


def test_kill_of_one_cluster_under_load_restarts_that_one_alone(clusters: Clusters) -> None:
    before, seen = clusters.pids(), clusters.gateway()

    def kill() -> None:
        os.kill(before[1], signal.SIGKILL)
        until(lambda: clusters.pids()[1] not in (before[1], 0), "a new process for cluster 1")

    _under_load(clusters, kill)
    after = clusters.clusters()
    assert [each["pid"] for each in after[:1] + after[2:]] == before[:1] + before[2:]
    assert [each["restarts"] for each in after] == [0, 1, 0, 0]
    now = clusters.gateway()
    assert now["identifies"] == seen["identifies"]
    assert now["resumes"] == seen["resumes"] + 4
    assert "cluster 1 (shards 4-7) died" in clusters.ws.output


def test_rolling_restart_under_load_by_command_and_by_sighup(clusters: Clusters) -> None:
    before, seen = clusters.pids(), clusters.gateway()

    def reload() -> None:
        done = clusters.run("reload", "--ws")
        assert done.returncode == 0, done.stderr
        assert "4 clusters replaced" in done.stdout
        assert "16 shards resumed, 0 IDENTIFYs" in done.stdout
        first = clusters.pids()
        assert not set(first) & set(before)
        clusters.ws.send(signal.SIGHUP)
        until(lambda: clusters.ws.output.count("clusters replaced") == 2, "the second rolling restart")
        assert not set(clusters.pids()) & set(first)

    _under_load(clusters, reload)
    assert clusters.ws.process.poll() is None
    now = clusters.gateway()
    assert now["identifies"] == seen["identifies"]
    assert now["resumes"] == seen["resumes"] + 32
    assert now["invalid_sessions"] == seen["invalid_sessions"]


def test_kill_of_the_parent_and_another_start_resumes_every_shard(clusters: Clusters) -> None:
    before, seen = clusters.pids(), clusters.gateway()

    def kill() -> None:
        clusters.ws.kill()
        clusters.start_ws()
        clusters.ws.wait_for("resumed 16 shards, 0 with a new session")

    _under_load(clusters, kill)
    assert not set(before) & set(clusters.alive())
    now = clusters.gateway()
    assert now["identifies"] == seen["identifies"]
    assert now["resumes"] == seen["resumes"] + 16


def test_kill_of_everything_and_another_start_resumes_every_shard(clusters: Clusters) -> None:
    seen = clusters.gateway()

    def kill() -> None:
        for pid in (clusters.ws.pid, *clusters.pids()):
            os.kill(pid, signal.SIGKILL)
        clusters.ws.process.wait(30)
        clusters.start_ws()
        clusters.ws.wait_for("resumed 16 shards, 0 with a new session")

    _under_load(clusters, kill)
    assert clusters.gateway()["identifies"] == seen["identifies"]


def test_a_shard_that_does_not_recover_makes_healthz_fail_by_name(
    fresh: type[Clusters], tmp_path: Path
) -> None:
    system = fresh.ready(
        tmp_path / "bot", NESCORD_SANDBOX_SHARDS="2", SHARDS_PER_CLUSTER="1", NESCORD_RECOVERY_TIMEOUT="1"
    )
    url = f"http://127.0.0.1:{system.ports['ws']}/healthz"
    assert fetch("GET", url) == (200, {"ok": True, "problems": []})
    system.sandbox("POST", "/fault", {"gateway": {"refuse": "everywhere"}})
    system.sandbox("POST", "/fault", {"connections": {"do": "reset", "shard": 1}})
    status, answer = until(lambda: (found := fetch("GET", url))[0] == 503 and found, "an unhealthy ws")
    assert status == 503
    assert len(answer["problems"]) == 1
    assert answer["problems"][0].startswith("shard 1 has not been connected for more than 1 s: ")
    assert "503" in answer["problems"][0]
    system.sandbox("DELETE", "/fault")
    until(lambda: fetch("GET", url)[0] == 200, "a healthy ws")
    assert system.ws.stop() == 0


def test_64_shards_in_4_clusters_take_no_longer_than_the_pacing_of_identifies(
    fresh: type[Clusters], tmp_path: Path
) -> None:
    """One queue for all processes: at most one IDENTIFY per window and key (shard_id % max_concurrency), and
    hardly more than a window between two. The sandbox measures their arrival and answers a second one of a
    key within its window with an invalid session; its window is shorter by the delay that a loaded machine
    may cause."""
    window = 2.0
    with late_wake_ups() as late:
        system = fresh.ready(
            tmp_path / "bot",
            NESCORD_SANDBOX_SHARDS="64",
            NESCORD_IDENTIFY_WINDOW=str(window),
            NESCORD_SANDBOX_IDENTIFY_WINDOW=str(window * 0.75),
            SHARDS_PER_CLUSTER="16",
        )
    seen = system.gateway()
    assert (seen["identifies"], seen["invalid_sessions"]) == (64, 0)
    assert [len(each["shards"]) for each in system.clusters()] == [16, 16, 16, 16]
    keys: dict[int, list[float]] = {}
    for session in system.sandbox("GET", "/gateway")["sessions"]:
        keys.setdefault(session["shard"][0] % 16, []).append(-session["age"])
    assert [len(times) for times in keys.values()] == [4] * 16
    took = statistics.median(max(times) - min(times) for times in keys.values())
    # Four wake-ups lie between two IDENTIFYs of a key: the parent's timer, the cluster, the sandbox and back.
    assert took <= 1.05 * 3 * window + 3 * 4 * statistics.mean(late), (
        "four rounds, and no idling between them"
    )
    assert system.ws.stop() == 0


def test_a_fatal_close_of_one_shard_ends_all_clusters_with_its_error(
    fresh: type[Clusters], tmp_path: Path
) -> None:
    system = fresh.ready(tmp_path / "bot", NESCORD_SANDBOX_SHARDS="4", SHARDS_PER_CLUSTER="1")
    pids = system.pids()
    system.sandbox("POST", "/fault", {"connections": {"do": "close", "code": 4014, "shard": 2}})
    assert system.ws.wait() == 2
    assert "Discord closed shard 2 for good with 4014: an intent is not allowed" in system.ws.output
    assert "Traceback" not in system.ws.output
    assert not set(pids) & set(system.alive())


def test_a_cluster_that_dies_again_and_again_is_given_up_with_the_reason(
    fresh: type[Clusters], tmp_path: Path
) -> None:
    system = fresh.ready(tmp_path / "bot", start_ws=False, NESCORD_SANDBOX_SHARDS="2", SHARDS_PER_CLUSTER="1")
    state = system.directory / ".nescord"
    state.mkdir(exist_ok=True)
    (state / "sessions").symlink_to("/proc/self/task")  # nobody can write there, not even root
    ws = system.start_ws()
    assert ws.wait() == 1
    assert ws.output.count("restarting it in") >= 4
    assert "for the 5th time in a row" in ws.output
    assert "Cannot read or write the sessions in" in ws.output
    assert "Traceback" not in ws.output
    assert not [command for command in system.alive().values() if "ws_cluster" in command]


@contextmanager
def late_wake_ups() -> Iterator[list[float]]:
    """Measure how many seconds late this machine wakes a sleeper while the block runs."""
    late: list[float] = []
    over = threading.Event()

    def sleep() -> None:
        while not over.is_set():
            until = time.monotonic() + 0.02
            time.sleep(0.02)
            late.append(time.monotonic() - until)

    sleeper = threading.Thread(target=sleep)
    sleeper.start()
    try:
        yield late
    finally:
        over.set()
        sleeper.join()


def _metrics(system: Clusters) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{system.ports['ws']}/metrics") as answer:
        text: str = answer.read().decode()
    return text
