"""A session with `nescord dev`: keys, changed configuration, broken code, state, reload loops."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from nescord_core.services.control.running_services import read_all
from support.processes.commands import until
from support.processes.phrases import RELOADED, WITH_KEYS
from support.system.system import System

APP = """
from pathlib import Path

from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()
{extra}

@listener.on("message_create")
async def answer(message):
    if message.content == "!count":
        listener.state["count"] = listener.state.get("count", 0) + 1
        await rest.create_message(message.channel_id, content=f"{word} {{listener.state['count']}}")
    if message.content == "!fail":
        raise RuntimeError("no such thing")
"""
LOOP = """
Path(__file__).with_name("data.py").write_text(f"X = {__import__('time').time_ns()}")
"""


def pid_of(system: System, service: str) -> int:
    present = read_all(system.directory / ".nescord").get(service)
    return present.pid if present else 0


def app(word: str, extra: str = "") -> str:
    return APP.format(word=word, extra=extra)


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("loop") / "bot")
    system.replace_app(app("one"))
    try:
        yield system
    finally:
        system.close()
        assert not system.alive()


def test_a_session_in_a_terminal(system: System) -> None:
    dev = system.start("dev", in_terminal=True)
    dev.wait_for(WITH_KEYS)
    terminal = dev.terminal
    assert terminal is not None
    terminal.type(b"h")
    dev.wait_for("restart all services")
    assert system.ask("!count") == "one 1"

    system.replace_app(app("two"))
    dev.wait_for(RELOADED)
    assert system.ask("!count") == "two 2", "the state was kept"

    terminal.type(b"e")
    dev.wait_for("events on")
    system.say("!fail")
    dev.wait_for("#general  alice: !fail")
    dev.wait_for("answer failed · ")
    dev.wait_for("RuntimeError: no such thing")
    terminal.type(b"e")
    dev.wait_for("events off")
    terminal.type(b"o")
    dev.wait_for(f"open http://127.0.0.1:{system.ports['sandbox']}/ in a browser")
    terminal.type(b"3")
    dev.wait_for("showing only main, 0 shows all")
    terminal.type(b"0")

    system.break_app()
    dev.wait_for("SyntaxError")
    dev.wait_for("Still serving build #2.")
    assert "app.py:1: SyntaxError" in until(lambda: system.sandbox("GET", "/state")["notice"], "the notice")
    system.replace_app(app("three"))
    until(lambda: not system.sandbox("GET", "/state")["notice"], "an end of the notice")

    loops = system.directory / "bot_main"
    system.replace_app(app("four", LOOP))
    dev.wait_for("the bot writes bot_main/data.py each time it runs")
    until(lambda: system.ask("!count").startswith("four"), "an end of the loop")
    settled = (loops / "data.py").read_text()
    assert system.ask("!count").startswith("four")
    assert (loops / "data.py").read_text() == settled, "it is no longer reloaded"
    system.replace_app(app("five"))
    until(lambda: system.ask("!count").startswith("five"), "the person's change")

    before = pid_of(system, "rest")
    with (system.directory / "nescord.toml").open("a") as file:
        file.write("\n[rest.cache]\nttl = 31\n")
    dev.wait_for("restarting rest with the changed configuration")
    until(lambda: pid_of(system, "rest") not in (before, 0), "another rest")

    before = pid_of(system, "ws")
    done = system.run("restart", "ws")
    assert (done.returncode, done.stdout.strip()) == (0, "Restarting ws."), done.stderr
    until(lambda: pid_of(system, "ws") not in (before, 0), "another ws")
    for command in ("restart", "logs"):
        refused = system.run(command, "wsx")
        assert refused.returncode == 1
        assert "there is no service 'wsx' here; there are sandbox, rest, main, ws" in refused.stderr
    assert "attached to main" not in dev.output, "a reload prints one line"
    assert "IDENTIFY" not in dev.output, "a terminal gets what concerns the person"
    assert "shard 0: IDENTIFY sent" in system.run("logs", "ws", "--lines", "1000").stdout

    terminal.type(b"R")
    dev.wait_for("ready again in ")
    assert system.ask("!count") == "five 1", "the sandbox has a new world"
    assert "WARNING" not in dev.output[dev.output.rindex("restarting all services") :]

    terminal.type(b"q")
    assert dev.wait() == 0
    assert "stopped in " in dev.output
    assert "stopped after" not in dev.output
    assert not system.alive()
    assert not system.taken_ports(sandbox=True)
