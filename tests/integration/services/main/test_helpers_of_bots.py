"""Processes that a bot starts, such as ffmpeg, end with the worker that started them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from support.processes.commands import until
from support.processes.phrases import READY, RELOADED
from support.system.system import System

APP = """
import asyncio
import multiprocessing
import os
import subprocess
import sys
import time

from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()
SLEEP = "import signal, time; {deaf}time.sleep(600)"


def helper(name):
    return [sys.executable, "-c", SLEEP, name]


def sleep_on():
    time.sleep(600)


def daemonise():
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execv(sys.executable, helper("{mark}-daemon"))
        os._exit(0)
    os.wait()


@listener.on_start
async def start():
    subprocess.Popen(helper("{mark}-plain"))
    subprocess.Popen(helper("{mark}-session"), start_new_session=True)
    subprocess.Popen(helper("{mark}-bare"), env={{}}, start_new_session=True)
    quoted = " ".join("'%s'" % each for each in helper("{mark}-shell"))
    subprocess.Popen(["/bin/sh", "-c", quoted + " & sleep 600"])
    await asyncio.create_subprocess_exec(*helper("{mark}-async"), start_new_session=True)
    multiprocessing.get_context("spawn").Process(target=sleep_on).start()
    {start}


@listener.on("message_create")
async def answer(message):
    if message.content == "!slow":
        await asyncio.sleep(3)
        await rest.create_message(message.channel_id, content="{version} done")
    if message.content == "!ping":
        await rest.create_message(message.channel_id, content="{version}")
"""
DEAF = "signal.signal(signal.SIGTERM, signal.SIG_IGN); "
NAMES = {"plain", "session", "bare", "shell", "async"}


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    try:
        yield system
    finally:
        system.close()
        for process in helpers(system):
            with suppress(psutil.Error):
                process.kill()


def app(system: System, version: str, start: str = "", deaf: str = "") -> str:
    return APP.format(mark=system.mark, version=version, start=start or "pass", deaf=deaf)


def helpers(system: System) -> list[psutil.Process]:
    """Return the helpers' processes: each has the system's mark in its command line."""
    found = []
    for process in psutil.process_iter():
        with suppress(psutil.Error):
            line = process.cmdline()
            if line and line[-1].startswith(f"{system.mark}-") and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def names(system: System) -> list[str]:
    found = []
    for process in helpers(system):
        with suppress(psutil.Error):
            found.append(process.cmdline()[-1].rpartition("-")[2])
    return sorted(found)


def multiprocessing_pids(system: System) -> set[int]:
    """Return the processes that multiprocessing has started: workers and their resource trackers."""
    return {pid for pid, command in system.alive().items() if "multiprocessing" in command}


def test_helpers_end_with_their_worker_and_not_while_it_drains(system: System) -> None:
    system.replace_app(app(system, "v1", start="daemonise()"))
    dev = system.start("dev")
    dev.wait_for(READY)
    until(lambda: {*names(system)} == {*NAMES, "daemon"}, "the helpers")
    dev.wait_for("has detached itself from the bot")
    before = {process.pid for process in helpers(system)}
    until(lambda: len(multiprocessing_pids(system)) >= 2, "a process of multiprocessing, and its tracker")
    pools = multiprocessing_pids(system)

    system.say("!slow")
    until(lambda: system.stats("main")["workers"][0]["running"], "the slow handler")
    system.replace_app(app(system, "v2"))
    until(lambda: len(names(system)) == 2 * len(NAMES) + 1, "the helpers of both workers")
    assert before <= {process.pid for process in helpers(system)}, "the old worker still drains"
    dev.wait_for(RELOADED)
    until(lambda: names(system) == sorted([*NAMES, "daemon"]), "the end of the old helpers")
    assert system.ask("!ping") == "v2"

    system.replace_app(app(system, "v3", deaf=DEAF))
    until(lambda: system.ask("!ping") == "v3", "another worker")
    until(lambda: names(system) == sorted([*NAMES, "daemon"]), "the end of the old helpers")
    pid = system.stats("main")["workers"][0]["pid"]
    os.kill(pid, signal.SIGKILL)
    until(lambda: system.stats("main")["workers"][0].get("pid") not in (None, pid), "another worker")
    until(lambda: names(system) == sorted([*NAMES, "daemon"]), "the end of the killed worker's helpers")
    until(lambda: not pools & multiprocessing_pids(system), "the end of multiprocessing's processes")
    until(lambda: len(multiprocessing_pids(system)) <= 2, "those of the last worker only")
    assert dev.output.count("has detached itself from the bot") == 1

    assert dev.stop() == 0
    until(lambda: names(system) == ["daemon"], "the end of all helpers")
    assert len(system.alive()) <= 1


def test_helpers_end_when_main_is_killed(system: System) -> None:
    system.replace_app(app(system, "v1"))
    dev = system.start("dev")
    dev.wait_for(READY)
    until(lambda: {*names(system)} == NAMES, "the helpers")
    # One without any environment cannot be told from other programs that nescord dev has started.
    before = {process.pid for process in helpers(system) if "-bare" not in process.cmdline()[-1]}
    os.kill(system.pid_of("main"), signal.SIGKILL)
    dev.wait_for("killed by signal 9")
    until(lambda: not before & {process.pid for process in helpers(system)}, "the end of the helpers")
    dev.send(signal.SIGTERM)
    assert dev.wait() == 0
    # The worker may be found and ended with all of its helpers before it has noticed main's end.
    until(lambda: {*names(system)} <= {"bare"}, "the end of all other helpers")
