"""`nescord dev` from the command line: its processes, and the commands that control it."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nescord_core.errors import NotRunning
from nescord_core.gateway.session_store import DiskSessionStore, SavedSession
from nescord_core.services.control import control_socket
from nescord_core.services.control.status import collect
from nescord_core.services.dev.demo import make_project
from nescord_core.settings import SandboxSettings
from support.processes.commands import free_port
from support.processes.phrases import READY

NESCORD = (sys.executable, "-P", "-m", "nescord_cli")
PATIENCE = 60.0


class Project:
    """A fresh project with its own ports; a mark identifies every process it starts."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.state_dir = directory / ".nescord"
        self.mark = uuid.uuid4().hex
        keys = ("NESCORD_SANDBOX_LISTEN", "NESCORD_MAIN_LISTEN", "NESCORD_MAIN_ADMIN", "NESCORD_WS_ADMIN")
        self.environ = {k: v for k, v in os.environ.items() if not k.startswith(("DISCORD_", "NESCORD_"))}
        self.environ |= {key: f"127.0.0.1:{free_port()}" for key in keys}
        self.environ |= {"NESCORD_REST_PORT": str(free_port()), "NESCORD_TEST_MARK": self.mark}
        self.started: list[subprocess.Popen[str]] = []
        make_project(directory)

    def start(self, *arguments: str, **environ: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            (*NESCORD, "dev", *arguments),
            cwd=self.directory,
            env=self.environ | environ,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            (*NESCORD, *arguments),
            cwd=self.directory,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def status(self) -> dict[str, Any]:
        return asyncio.run(collect(self.state_dir, wait=PATIENCE))

    def logs(self, service: str) -> str:
        async def text() -> str:
            lines = control_socket.logs(self.state_dir, service, follow=False)
            return "\n".join([line["text"] async for line in lines])

        return asyncio.run(text())

    def alive(self) -> list[int]:
        found = []
        for process in Path("/proc").iterdir():
            try:
                if process.name.isdigit() and self.mark.encode() in (process / "environ").read_bytes():
                    found.append(int(process.name))
            except OSError:
                continue
        return found


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Project]:
    project = Project(tmp_path / "bot")
    yield project
    for pid in project.alive():
        os.kill(pid, signal.SIGKILL)
    for process in project.started:
        process.communicate(timeout=PATIENCE)


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)


def read_until(process: subprocess.Popen[str], text: str) -> str:
    """Read its output up to the line that contains the text."""
    assert process.stdout is not None
    lines = []
    for line in process.stdout:
        lines.append(line)
        if text in line:
            return "".join(lines)
    raise AssertionError("".join(lines))


def test_it_starts_answers_restarts_and_stops_in_order(project: Project) -> None:
    dev = project.start()
    shown = read_until(dev, READY)
    assert f"Page    http://{project.environ['NESCORD_SANDBOX_LISTEN']}/" in shown
    found = json.loads(project.run("status", "--json", "--wait").stdout)
    assert list(found) == ["sandbox", "rest", "main", "ws"]
    assert {entry["state"] for entry in found.values()} == {"ready"}
    assert set(found["ws"]) >= {"state", "pid", "address", "uptime_s", "restarts"}
    assert all(found[service]["memory_mb"] > 5 for service in found)

    os.kill(found["rest"]["pid"], signal.SIGKILL)
    until(lambda: project.status()["rest"]["restarts"] == 1)
    assert project.status()["rest"]["pid"] != found["rest"]["pid"]

    assert asyncio.run(control_socket.reload(project.state_dir))["message"].startswith("reloaded")
    assert "killed by signal 9; restarting" in project.logs("rest")

    second = project.start()
    _, errors = second.communicate(timeout=PATIENCE)
    assert second.returncode == 2
    assert f"already running with its state in {project.directory}/.nescord" in _flat(errors)
    assert f"(process {dev.pid})" in _flat(errors)

    asyncio.run(control_socket.stop(project.state_dir))
    output, _ = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 0
    stopped = [line.split()[0] for line in output.splitlines() if "| stopped after " in line]
    assert stopped == ["ws", "main", "rest", "sandbox"]
    assert not project.alive()
    assert re.search(r"stopped after \d+ ms$", project.logs("rest"))
    with pytest.raises(NotRunning, match="nescord dev is not running"):
        asyncio.run(control_socket.stop(project.state_dir))


def _flat(paragraph: str) -> str:
    return " ".join(paragraph.split())


def test_a_command_runs_once_all_is_ready_and_sets_the_exit_code(project: Project) -> None:
    ask = (
        "import os, urllib.request as r; url = os.environ['NESCORD_REST_URL'] + '/users/@me'\n"
        "r.install_opener(r.build_opener(r.ProxyHandler({}))); print('bot:', r.urlopen(url).status); exit(7)"
    )
    script = project.directory / "ask.py"
    script.write_text(ask)
    dev = project.start("--json", "--exec", f"{sys.executable} {script}")
    output, errors = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 7, output + errors
    records = [json.loads(line) for line in output.splitlines()]
    assert [r["message"] for r in records if r.get("stream") == "stdout" and r["service"] == "exec"] == [
        "bot: 200"
    ]
    ready = next(r for r in records if r.get("services"))
    assert set(ready["services"]) == {"sandbox", "rest", "main", "ws"}
    assert not project.alive()


def test_a_command_may_use_shell_syntax(project: Project) -> None:
    dev = project.start("--exec", 'test "$NESCORD_REST_URL" && echo both of them; exit 9')
    output, errors = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 9, output + errors
    assert "both of them" in output
    assert not project.alive()


async def test_a_fresh_sandbox_is_not_asked_to_resume_old_sessions(project: Project) -> None:
    """Resuming an unknown session costs the 1 to 5 s that follow an op 9 with d=false."""
    token = SandboxSettings().token
    session = SavedSession("gone", 7, None, 1, "none", 1)
    project.state_dir.mkdir(mode=0o700)
    async with DiskSessionStore(project.state_dir, token) as sessions:
        await sessions.save({0: session})
    async with DiskSessionStore(project.state_dir, "another token") as others:
        await others.save({0: session})
    dev = project.start("--exec", "true")
    output, _ = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 0
    assert "IDENTIFY sent" in output
    assert "RESUME" not in output
    async with DiskSessionStore(project.state_dir, "another token") as others:
        assert await others.load(0, shard_count=1, intents=1) is not None


def test_configuration_that_discord_rejects_ends_the_run_with_2(project: Project) -> None:
    dev = project.start(NESCORD_SANDBOX_DISALLOWED_INTENTS="message_content")
    _, errors = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 2
    assert "4014" in errors
    assert "an intent is not allowed for this bot" in _flat(errors)
    assert not project.alive()


def test_a_taken_port_is_named_before_anything_starts(project: Project) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        dev = project.start(NESCORD_WS_ADMIN=f"127.0.0.1:{port}")
        output, errors = dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 1
    assert output == ""
    assert f"ws cannot listen on 127.0.0.1:{port}: the port is taken by" in _flat(errors)
    assert f"(process {os.getpid()})" in _flat(errors)
    assert "ws.admin" in errors


def test_broken_code_at_the_start_is_shown_until_it_is_fixed(project: Project) -> None:
    source = project.directory / "bot_main" / "app.py"
    good = source.read_text()
    source.write_text(good + "\nthis is not python\n")
    dev = project.start()
    shown = read_until(dev, "fix the error and save")
    assert f"app.py:{len(good.splitlines()) + 2}" in shown
    source.write_text(good)
    read_until(dev, READY)
    dev.send_signal(signal.SIGTERM)
    dev.communicate(timeout=PATIENCE)
    assert dev.returncode == 0
    assert not project.alive()


def test_kill_9_of_dev_leaves_no_process_behind(project: Project) -> None:
    dev = project.start()
    read_until(dev, READY)
    assert len(project.alive()) >= 5
    dev.kill()
    dev.wait()
    until(lambda: not project.alive())
    nothing = project.run("status")
    assert nothing.returncode == 1
    assert "Nothing is running here" in nothing.stdout


def test_a_second_signal_kills_at_once(project: Project) -> None:
    source = project.directory / "bot_main" / "app.py"
    source.write_text("import time\ntime.sleep(600)\n")
    dev = project.start()
    read_until(dev, "ws      | starting")
    dev.send_signal(signal.SIGINT)
    read_until(dev, "stopping (press ^C again to kill)")
    dev.send_signal(signal.SIGINT)
    dev.communicate(timeout=PATIENCE)
    until(lambda: not project.alive())
    assert dev.returncode in (0, 1)
