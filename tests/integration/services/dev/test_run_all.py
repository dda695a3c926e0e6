"""`nescord run all` under systemd."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import until
from support.processes.phrases import READY
from support.system.system import System

HANGS = """import time
from pathlib import Path

from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()


@listener.on("message_create")
async def hang(message):
    if message.content == "!hang" and not Path("hung").exists():
        Path("hung").touch()
        time.sleep(600)
    if message.content == "!hang":
        await rest.create_message(message.channel_id, content="alive again")
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    try:
        yield system
    finally:
        system.close()


class Systemd:
    """The receiving end of NOTIFY_SOCKET, and the messages received."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.said: list[str] = []
        self._end = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._end.bind(str(path))
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        while words := self._end.recv(4096).decode():
            self.said += words.splitlines()


def test_it_runs_without_reloading_and_notifies_systemd(system: System, tmp_path: Path) -> None:
    sandbox = system.start_sandbox()
    systemd = Systemd(tmp_path / "notify")
    run = system.start(
        "run", "all", NOTIFY_SOCKET=str(systemd.path), WATCHDOG_USEC="200000", NESCORD_HANG_TIMEOUT="2"
    )
    run.wait_for(READY)
    until(lambda: "READY=1" in systemd.said, "READY=1")
    assert "STATUS=rest ready, main ready, ws ready" in systemd.said
    assert systemd.said.count("READY=1") == 1
    assert "STOPPING=1" not in systemd.said
    awake = systemd.said.count("WATCHDOG=1")
    until(lambda: systemd.said.count("WATCHDOG=1") > awake > 0, "the next watchdog ping")

    again = system.run("run", "all")
    assert again.returncode == 2
    assert "nescord run all is already running" in again.stderr

    generation = system.stats("main")["workers"][0]["generation"]
    system.replace_app(HANGS)
    before = system.pid_of("rest")
    os.kill(before, signal.SIGKILL)
    run.wait_for("rest | backoff: killed by signal 9; restarting in")
    until(lambda: system.pid_of("rest") != before, "another rest")
    assert system.stats("main")["workers"][0]["generation"] == generation, "a save does nothing"
    done = system.run("reload")
    assert done.returncode == 0, done.stderr
    assert system.stats("main")["workers"][0]["generation"] > generation

    hung = system.stats("main")["workers"][0]["pid"]
    assert system.ask("!hang") == "alive again"
    assert f"(process {hung}) has not answered for 2 s" in run.output
    assert 'bot_main/app.py", line 14 in hang' in run.output, "where it hung"

    assert run.stop(signal.SIGTERM) == 0
    assert "STOPPING=1" in systemd.said
    assert set(system.alive()) == {sandbox.pid}


def test_a_missing_token_is_an_error(system: System) -> None:
    done = system.run("run", "all")
    assert done.returncode == 2
    assert "DISCORD_BOT_TOKEN is not set" in done.stderr
