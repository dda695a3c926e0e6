"""`nescord dev` as a job of an interactive shell: ^Z, bg, fg, stty, signals, and what is typed meanwhile."""

from __future__ import annotations

import os
import shlex
import signal
import termios
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.processes.commands import NESCORD, until
from support.processes.phrases import READY, RELOADED, WITH_KEYS
from support.processes.shell import PROMPT, Shell
from support.system.system import System

SUSPEND, QUIT = "\x1a", "\x1c"
HELP = "restart all services"
APP = """
from nescord_core import WsListener

listener = WsListener()


@listener.on("message_create")
def answer(message):
    name = input("Your name? ")
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    try:
        yield system
    finally:
        system.close()


@pytest.fixture(params=["bash", "sh"])
def shell(request: pytest.FixtureRequest, system: System) -> Iterator[Shell]:
    shell = Shell(system.directory, system.environ, request.param)
    yield shell
    shell.close()
    until(lambda: not system.alive(), "the end of every process")


def dev_process(system: System) -> psutil.Process:
    (pid,) = [pid for pid, command in system.alive().items() if command.split()[4:] == ["dev"]]
    return psutil.Process(pid)


def press_and_see(shell: Shell, key: str, text: str) -> None:
    shell.wait_for(text, shell.type(key))


def until_keys_work(shell: Shell) -> None:
    """Press h until the help is shown: the shell's own modes do not tell when the job has the terminal."""

    def is_helpful() -> bool:
        before = shell.type("h")
        time.sleep(0.3)
        return HELP in shell.screen[before:]

    until(is_helpful, "the keys")


def test_a_job_of_a_shell(system: System, shell: Shell) -> None:
    settings = shell.settings()
    before = shell.type(f"{shlex.join(NESCORD)} dev\n")
    shell.wait_for(WITH_KEYS, before)
    dev = dev_process(system)
    press_and_see(shell, "h", HELP)
    assert not shell.modes() & (termios.ICANON | termios.ECHO)

    shell.wait_for(PROMPT, shell.type(SUSPEND))
    assert shell.settings() == settings
    assert dev.status() == psutil.STATUS_STOPPED
    assert "42" in shell.run("echo $((40+2)) r R q")
    shell.run("stty tostop")
    shell.run("bg")
    until(lambda: dev.status() != psutil.STATUS_STOPPED, "it to continue in the background")
    system.replace_app((system.directory / "bot_main/app.py").read_text() + "\n")
    shell.wait_for(RELOADED, before)
    assert "43" in shell.run("echo $((40+3)) r R q")
    assert dev.status() != psutil.STATUS_STOPPED, "neither by what it reads nor by what it writes"
    assert system.run("status").returncode == 0

    shell.type("fg\n")
    until_keys_work(shell)
    dev.send_signal(signal.SIGSTOP)
    shell.wait_for(PROMPT, len(shell.screen) - 10)
    shell.type("fg\n")
    until_keys_work(shell)
    shell.resize(60)
    shell.type("a pasted line that quits\n")
    time.sleep(0.3)  # what arrives with it counts as pasted, too
    press_and_see(shell, "h", HELP)
    shell.wait_for(PROMPT, shell.type("q"))
    assert dev.pid not in system.alive()
    shell.run("")  # ends what was typed ahead
    shell.run("stty -tostop")
    assert shell.settings() == settings
    assert "restarting ws" not in shell.screen


def test_a_background_job_that_comes_to_the_foreground_and_is_quit(system: System, shell: Shell) -> None:
    system.replace_app(APP)
    settings = shell.settings()
    before = shell.type(f"{shlex.join(NESCORD)} dev &\n")
    shell.wait_for(WITH_KEYS, before)
    assert "42" in shell.run("echo $((40+2))")
    shell.type("fg\n")
    until_keys_work(shell)

    system.say("hello")
    shell.wait_for("keys are off until you press Enter")
    assert "the bot reads its standard input at bot_main/app.py:9" in shell.screen
    for key in "quick answer R\n":
        shell.type(key)
        time.sleep(0.02)
    press_and_see(shell, "h", HELP)
    assert "restart requested" not in shell.screen

    shell.wait_for(PROMPT, shell.type(QUIT))
    assert shell.settings() == settings
    until(lambda: not system.alive().keys() - {shell.process.pid}, "the end of the services")


def test_nohup_survives_a_closed_terminal(system: System) -> None:
    shell = Shell(system.directory, system.environ)
    try:
        shell.run(f"nohup {shlex.join(NESCORD)} dev > nohup.log 2>&1 &")
        log = system.directory / "nohup.log"
        until(lambda: READY in log.read_text(), "the start")
        dev = dev_process(system)
        os.kill(shell.process.pid, signal.SIGHUP)
    finally:
        shell.close()
    assert system.run("status").returncode == 0
    dev.terminate()
    until(lambda: not system.alive(), "an orderly end")
    assert "SIGHUP" not in log.read_text()
