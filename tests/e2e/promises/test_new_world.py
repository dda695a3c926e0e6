"""A sandbox that restarts has a new world: no event of the former one reaches the bot."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import Started, until
from support.system.system import System

BOT = """
import os
from pathlib import Path
from nescord_core import WsListener

listener = WsListener()


@listener.on("message_create")
async def note(message):
    with Path(os.environ["NOTES"]).open("a") as notes:
        notes.write(message.content + "\\n")
"""


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    found = System(tmp_path / "bot")
    found.environ |= {"NESCORD_SANDBOX_GUILDS": "1", "NESCORD_IDENTIFY_WINDOW": "0.05"}
    found.environ |= {
        "NOTES": str(tmp_path / "notes"),
        "DISCORD_INTENTS": "guilds,guild_messages,message_content",
    }
    found.replace_app(BOT)
    try:
        yield found
    finally:
        for started in found.started:
            print(started.output)
        found.close()


def notes(system: System) -> list[str]:
    path = Path(system.environ["NOTES"])
    return path.read_text().split() if path.exists() else []


def restart(system: System, sandbox: Started) -> Started:
    sandbox.stop()
    return system.start_sandbox()


def until_online(system: System) -> None:
    until(lambda: system.sandbox("GET", "/state?tail=0")["bot_online"], "ws to be connected")


def until_waiting(system: System, more_than: int) -> None:
    until(lambda: (system.stats("ws") or {})["outbox"].get("depth", 0) > more_than, "events in the outbox")


def test_events_that_waited_for_main_are_forgotten_with_their_world(system: System) -> None:
    sandbox = system.start_sandbox()
    system.start("run", "rest")
    ws = system.start("run", "ws")
    until_online(system)
    system.say("first")
    until_waiting(system, 0)

    sandbox = restart(system, sandbox)
    until_online(system)
    before = system.stats("ws")["outbox"]["depth"]
    system.say("second")
    until_waiting(system, before)
    main = system.start("run", "main")
    until(lambda: "second" in notes(system), "the event of the new world")
    assert "first" not in notes(system)
    ws.wait_for("the sandbox has a new world")

    main.stop()
    system.say("third")
    until_waiting(system, 0)
    ws.stop()
    restart(system, sandbox)
    ws = system.start("run", "ws")
    ws.wait_for("shard 0 starts a new session: the sandbox has a new world")
    system.start("run", "main")
    until_online(system)
    system.say("fourth")
    until(lambda: "fourth" in notes(system), "the event of the newest world")
    assert notes(system) == ["second", "fourth"]
