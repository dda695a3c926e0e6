"""`nescord sandbox reset` and `export`, and the world that `nescord dev` keeps."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from support.processes.commands import until
from support.system.system import System

BOT = """
from nescord_core import WsListener

listener = WsListener()
"""
SEED = """
[[guilds]]
name = "Book club"

[[guilds.channels]]
name = "general"
"""


def seen(system: System) -> list[str] | None:
    """Return the messages; None while the sandbox restarts."""
    try:
        return texts(system)
    except OSError:
        return None


@pytest.fixture
def system(tmp_path: Path) -> System:
    found = System(tmp_path / "bot")
    (found.directory / "app.py").write_text(BOT)
    found.environ |= {"NESCORD_ENTRY": "app:listener", "NESCORD_IDENTIFY_WINDOW": "0.05"}
    return found


def start(system: System, *arguments: str) -> None:
    system.start("dev", "--sandbox", *arguments)
    until_online(system)


def until_online(system: System) -> None:
    system.until_answers("sandbox", "/readyz")
    until(lambda: system.sandbox("GET", "/state?tail=0")["bot_online"], "the bot to be online")


def texts(system: System) -> list[str]:
    return [each["content"] for each in system.sandbox("GET", "/messages?channel=general")]


def test_the_world_of_dev_stays_until_it_is_reset(system: System) -> None:
    (system.directory / "world.toml").write_text(SEED)
    try:
        start(system, "--seed", "world.toml")
        assert system.sandbox("GET", "/state")["guilds"][0]["name"] == "Book club"
        system.sandbox("POST", "/say", {"channel": "general", "user": "alice", "content": "one"})
        assert 'content = "one"' in system.run("sandbox", "export").stdout
        system.started.pop().stop()
        # Neither running nor forgotten: the stored world is exported.
        exported = system.run("sandbox", "export", "copy.toml")
        assert "Wrote copy.toml" in exported.stderr
        assert tomllib.loads((system.directory / "copy.toml").read_text())["guilds"][0]["name"] == "Book club"
        assert system.run("sandbox", "export", "copy.toml").returncode == 2
        start(system)
        assert texts(system) == ["one"]
        before = json.loads((system.directory / ".nescord" / "sandbox/world.json").read_text())["name"]
        assert "restarts with a new world" in system.run("sandbox", "reset").stdout
        until(lambda: seen(system) == [], "the new world")
        until_online(system)
        system.started.pop().stop()
        after = json.loads((system.directory / ".nescord" / "sandbox/world.json").read_text())["name"]
        assert after != before
        assert "starts with a new world" in system.run("sandbox", "reset").stdout
        assert "No world is stored" in system.run("sandbox", "reset").stdout
        assert "no world is stored" in system.run("sandbox", "export").stderr
    finally:
        for each in system.started:
            print(each.output)
        system.close()
