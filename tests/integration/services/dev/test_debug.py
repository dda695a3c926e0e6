"""`breakpoint()` in a bot under `nescord dev`, and `nescord debug` in another terminal."""

from __future__ import annotations

import re
import shlex
import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from nescord_core.services.control.control_socket import socket_path
from support.processes.commands import NESCORD, PATIENCE, Started, until
from support.processes.phrases import READY, RELOADED
from support.processes.shell import PROMPT, Shell
from support.system.system import System

APP = """
from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()
{start}

@listener.on("message_create")
async def answer(message):
    word = message.content
    if word == "!stop":
        {stop}
        word = "went on with " + word
    if not message.author.bot:
        await rest.create_message(message.channel_id, content=f"{version} {{word}}")
"""
STOPPED = "and handles no events. Attach to it from another terminal:  nescord debug"
PDB = "(Pdb) "


def app(version: str = "one", stop: str = "breakpoint()", start: str = "") -> str:
    return APP.format(version=version, stop=stop, start=start)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.environ |= {"NESCORD_MAIN_HANG_TIMEOUT": "1"}
    system.replace_app(app())
    try:
        yield system
    finally:
        system.close()
        until(lambda: not system.alive(), "the end of every process")


@pytest.fixture
def shell(system: System) -> Iterator[Shell]:
    shell = Shell(system.directory, system.environ)
    yield shell
    shell.close()


def started(system: System) -> Started:
    dev = system.start("dev")
    dev.wait_for(READY)
    return dev


def stop_and_attach(system: System, dev: Started, shell: Shell) -> None:
    """Have the bot stop at its breakpoint, and attach to it in the shell."""
    seen = dev.output.count(STOPPED)
    system.say("!stop")
    until(lambda: dev.output.count(STOPPED) > seen, "the announcement")
    shell.type(f"{shlex.join(NESCORD)} debug\n")
    shell.wait_for(PDB, len(shell.screen))


def waiting_socket(system: System, dev: Started) -> Path:
    """Return where the process that has stopped last waits for a terminal."""
    pid = re.findall(r"process (\d+) has stopped at", dev.output)[-1]
    path = socket_path(system.directory / ".nescord", f"debug-{pid}")
    assert path.is_socket()
    return path


def run_commands(system: System, commands: str) -> str:
    """Run `nescord debug` with commands from a pipe; return what it prints."""
    done = subprocess.run(
        (*NESCORD, "debug", "--no-wait"),
        cwd=system.directory,
        env=system.environ,
        input=commands,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_a_session_at_a_breakpoint(system: System, shell: Shell) -> None:
    dev = started(system)
    stop_and_attach(system, dev, shell)
    assert re.search(r"process \d+ has stopped at the breakpoint bot_main/app.py:12", dev.output)
    for typed, shown in (
        ("p word\n", "'!stop'"),
        ("p messa\t.channel_i\t\n", "message.channel_id"),
        ("word = 'changed'\n", PDB),
        ("interact\n", ">>> "),
        ("print(7 * 6)\n", "42"),
        ("\x04", PDB),
        ("\x03", "--KeyboardInterrupt--"),
    ):
        shell.wait_for(shown, shell.type(typed))
    refused = system.run("reload")
    assert refused.returncode == 1
    assert "is being debugged at bot_main/app.py:13" in " ".join(refused.stderr.split())

    system.replace_app(app("two"))
    dev.wait_for("the reload waits until you leave the debugger at bot_main/app.py:13")
    shell.wait_for("The bot continues", shell.type("c\n"))
    dev.wait_for("bot_main/app.py  ")
    shell.wait_for("The process has ended")
    assert system.ask("!ping") == "two !ping", "the session let the reload go on"

    seen = len(shell.screen)
    system.say("!stop")
    shell.wait_for(PDB, seen)  # the terminal has waited for the next one
    shell.wait_for("The bot continues", shell.type("q\n"))
    dev.wait_for("bdb.BdbQuit")
    assert system.ask("!ping") == "two !ping", "the handler has ended, the bot has not"

    seen = len(shell.screen)
    system.say("!stop")
    shell.wait_for(PDB, seen)
    shell.wait_for(PROMPT, shell.type("\x04"))
    assert "Detached; the bot continues." in shell.screen[seen:]
    assert system.ask("!ping") == "two !ping"
    assert "has not answered" not in dev.output, "a stopped worker does not hang"
    assert dev.stop() == 0


def test_a_breakpoint_that_nobody_attends_to(system: System) -> None:
    """A reload passes it, an earlier terminal that is closed detaches, and commands may come from a pipe."""
    dev = started(system)
    system.say("!stop")
    dev.wait_for(STOPPED)
    path = waiting_socket(system, dev)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    system.replace_app(app("two", stop="import pdb; pdb.set_trace(header='the header')"))
    dev.wait_for("reload: the breakpoint at bot_main/app.py:12 (process ")
    dev.wait_for(RELOADED)
    assert system.ask("!ping") == "two !ping"

    seen = dev.output.count(STOPPED)
    system.say("!stop")
    until(lambda: dev.output.count(STOPPED) > seen, "the second stop")
    piped = run_commands(system, "p 6 * 7\n")
    assert "the header" in piped
    assert "(Pdb) 42" in piped
    assert "Detached" in piped
    assert system.ask("!ping") == "two !ping"
    seen = dev.output.count(STOPPED)
    system.say("!stop")
    until(lambda: dev.output.count(STOPPED) > seen, "the third stop")
    assert "The bot continues." in run_commands(system, "p 6 * 7\nc\n")
    assert system.ask("!ping") == "two !ping"
    nothing = system.run("debug", "--no-wait")
    assert nothing.returncode == 1
    assert "no worker waits at a breakpoint" in nothing.stderr

    seen = dev.output.count(STOPPED)
    system.say("!stop")
    until(lambda: dev.output.count(STOPPED) > seen, "the fourth stop")
    path = waiting_socket(system, dev)
    assert dev.stop() == 0
    assert "main is stopping: the breakpoint at bot_main/app.py:12" in dev.output
    assert not path.exists()


def test_a_breakpoint_at_the_import_has_all_the_time(system: System, shell: Shell) -> None:
    system.replace_app(app(start="breakpoint()"))
    dev = system.start("dev")
    dev.wait_for("has stopped at the breakpoint bot_main/app.py:6")
    shell.type(f"{shlex.join(NESCORD)} debug\n")
    shell.wait_for(PDB, len(shell.screen))
    shell.wait_for(PDB, shell.type("p listener\n"))
    shell.type("c\n")
    dev.wait_for(READY)
    assert system.ask("!ping") == "one !ping"
    stop_in_session(system, dev, shell)


def stop_in_session(system: System, dev: Started, shell: Shell) -> None:
    seen = len(shell.screen)
    system.say("!stop")
    shell.wait_for(PDB, seen)
    assert dev.stop() in (0, 1)
    assert "main is stopping: it ends the debugging of process" in dev.output
    shell.wait_for("The process has ended", shell.type("\n"))


@pytest.mark.parametrize("hook", ["", "0"])
def test_without_watching_a_breakpoint_is_passed(system: System, hook: str) -> None:
    system.start_sandbox()
    system.environ |= {"PYTHONBREAKPOINT": hook} if hook else {}
    main = system.start("run", "all")
    main.wait_for(READY)
    assert system.ask("!stop") == "one went on with !stop"
    warned = "breakpoint() at" in main.output and "only `nescord dev` stops there" in main.output
    assert warned is not bool(hook)
