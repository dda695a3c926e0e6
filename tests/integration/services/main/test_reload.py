"""`nescord run main`: reloads, refusals and shutdown."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import time
from pathlib import Path

import pytest

from nescord_core import config
from nescord_core.errors import NescordError
from nescord_core.services.control import control_socket
from nescord_core.services.control.running_services import read_all
from support.dispatch.peers import until
from support.processes.main_process import MainProcess, main_process, make_project


@pytest.fixture
def project(tmp_path: Path) -> Path:
    return make_project(tmp_path / "project")


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False
    return state != "Z"


async def test_it_announces_itself_answers_and_leaves_nothing_behind(project: Path) -> None:
    async with main_process(project) as it:
        await it.ready()
        assert (await it.request("GET", "/healthz"))[0] == 200
        assert (await it.request("GET", "/readyz"))[0] == 200
        (worker,) = await it.workers()
        assert worker["address"] == it.address
        assert (worker["state"], worker["generation"], worker["received"]) == ("serving", 1, 0)
        _, metrics = await it.request("GET", "/metrics")
        assert 'nescord_main_worker_up{replica="0"} 1.0' in metrics
        it.process.send_signal(signal.SIGTERM)
        assert await it.end() == 0
    assert not is_there(worker["pid"])
    assert "main" not in read_all(project / ".nescord")


@pytest.mark.parametrize("way", ["admin port", "control socket"])
async def test_a_reload_by_command_says_what_it_did(project: Path, way: str) -> None:
    async with main_process(project) as it:
        await it.ready()
        (before,) = await it.workers()
        if way == "admin port":
            status, report = await it.request("POST", "/reload")
            assert status == 200
        else:
            report = await control_socket.reload(project / ".nescord")
        assert report["generation"] == 2
        assert report["line"] == f"reloaded in {report['ms']:.0f} ms", "no event was in flight"
        (after,) = await it.workers()
        assert after["pid"] != before["pid"]


async def test_a_reload_by_command_says_why_it_was_refused(project: Path) -> None:
    async with main_process(project) as it:
        await it.ready()
        (before,) = await it.workers()
        it.write("= =")
        with pytest.raises(NescordError, match=r"bot_main/words\.py:1: SyntaxError.*Still serving build #"):
            await control_socket.reload(project / ".nescord")
        status, answer = await it.request("POST", "/reload")
        assert status == 409
        assert "bot_main/words.py:1" in answer["error"]
        assert (await it.workers())[0]["pid"] == before["pid"]


async def test_a_reload_needs_the_secret_where_there_is_one(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NESCORD_SECRET", "only-for-this-test")
    async with main_process(project) as it:
        await it.ready()
        assert (await it.request("POST", "/reload"))[0] == 401
        headers = {"X-Nescord-Secret": "only-for-this-test"}
        assert (await it.request("POST", "/reload", headers=headers))[0] == 200


async def test_broken_code_at_the_first_start_ends_it_with_file_and_line(project: Path) -> None:
    (project / "bot_main/app.py").write_text("import os\n\nlistener = os.no_such_thing\n")
    async with main_process(project) as it:
        assert await it.end() == 1
    text = "".join(it.other_lines)
    assert "bot_main/app.py:3: AttributeError" in text
    assert ">    3 | listener = os.no_such_thing" in text


async def test_broken_code_at_the_first_start_is_waited_out_when_watching(project: Path) -> None:
    (project / "bot_main/words.py").write_text("ANSWER = (\n")
    async with main_process(project, "--watch") as it:
        await until(lambda: any("fix the error and save" in record["message"] for record in it.records))
        assert any("bot_main/words.py:1" in record["message"] for record in it.records)
        it.write(2)
        await it.ready()


async def test_an_entry_that_is_no_listener_is_refused(project: Path) -> None:
    (project / "bot_main/app.py").write_text("listener = 3\n")
    async with main_process(project) as it:
        assert await it.end() == 1
    assert "which is of type int" in "".join(it.other_lines)
    assert "bot_main.app:listener" in "".join(it.other_lines)


async def test_a_start_hook_that_raises_is_shown_where_it_does(project: Path) -> None:
    text = "from nescord_core import WsListener\nlistener = WsListener()\n\n@listener.on_start\n"
    (project / "bot_main/app.py").write_text(f"{text}def connect():\n    raise OSError('no database')\n")
    async with main_process(project) as it:
        assert await it.end() == 1
    assert "bot_main/app.py:6: OSError: no database" in "".join(it.other_lines)


async def test_a_touch_without_a_change_does_nothing(project: Path) -> None:
    async with main_process(project, "--watch") as it:
        await it.ready()
        (before,) = await it.workers()
        os.utime(project / "bot_main/words.py", (time.time(), time.time()))
        it.write(1)
        (project / "bot_main/data.json").write_text("{}")
        it.write("# a change\n", file="bot_main/other.py")
        await until(lambda: it.reloads)
        assert [record["reload"]["files"] for record in it.reloads] == [["bot_main/other.py"]]
        assert (await it.workers())[0]["generation"] == before["generation"] + 1


async def test_changed_configuration_says_which_services_to_restart(project: Path) -> None:
    async with main_process(project, "--watch") as it:
        await it.ready()
        text = (project / "nescord.toml").read_text()
        it.write(f"{text}\n[ws]\nshards = 2\n", file="nescord.toml")
        await until(lambda: any("restart" in record for record in it.records))
        assert [record["restart"] for record in it.records if "restart" in record] == [["ws"]]
        assert it.reloads == []


async def test_configuration_that_is_saved_while_the_services_start_is_not_missed(project: Path) -> None:
    """Whoever started main had read the files before."""
    started_with = config.load(project, environ={}).digest
    (project / ".env").write_text("GREETING=hello\n")
    async with main_process(project, "--watch", environ={"NESCORD_CONFIG_DIGEST": started_with}) as it:
        await until(lambda: any(record["message"].startswith("restart ") for record in it.records))
    async with main_process(project, "--watch") as it:
        await it.ready()
    assert not any(record["message"].startswith("restart ") for record in it.records)


async def test_the_workers_of_a_killed_parent_drain_and_end(project: Path) -> None:
    async with main_process(project, "--watch") as it:
        await it.ready()
        it.write(2)
        await until(lambda: it.reloads)
        (worker,) = await it.workers()
        it.process.kill()
        await until(lambda: not is_there(worker["pid"]))
    assert everything_of(it) == []


def everything_of(it: MainProcess) -> list[str]:
    """Return the processes whose working directory is the project."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if (process / "cwd").readlink() == it.project and is_there(int(process.name)):
                found.append(process.name)
        except OSError:
            continue
    return found


async def test_a_taken_port_is_named_with_its_holder(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        project = make_project(tmp_path / "project", listen=f"127.0.0.1:{port}")
        async with main_process(project) as it:
            assert await it.end() == 1
    text = " ".join("".join(it.other_lines).split())
    assert f"127.0.0.1:{port}" in text
    assert f"(process {os.getpid()})" in text
    assert "main.listen" in text


async def test_ctrl_c_reaches_the_whole_group_and_still_ends_it_in_order(project: Path) -> None:
    async with main_process(project, "--watch") as it:
        await it.ready()
        it.write(2)
        await until(lambda: it.reloads)
        for pid in map(int, everything_of(it)):
            os.kill(pid, signal.SIGINT)
        assert await it.end() == 0
        await asyncio.sleep(0)
    assert not any(record["level"] == "error" for record in it.records)
    assert everything_of(it) == []
