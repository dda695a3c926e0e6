"""A start on nescord dispatches what a start on discord.py's own transport does, event by event."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.network import loopback
from support.processes.commands import PATIENCE, fetch, until
from support.system.system import System

SUPPORT = Path(__file__).parents[2] / "support" / "discordpy"
KINDS: dict[str, dict[str, str]] = {
    "bot": {},
    "bot without presences": {"DISPATCH_CHUNKS": "1"},
    "auto-sharded bot": {"DISPATCH_SHARDED": "1", "DISCORD_SHARDS": "2", "NESCORD_SANDBOX_SHARDS": "2"},
}
OF_A_GUILD = ("socket_event_type", "guild_available", "on_guild_available")
"""What is dispatched for a guild at the start, in this order."""


class Starts:
    """Starts the recording bot in every way, on a world of three guilds with members, voice and threads."""

    def __init__(self, directory: Path, kind: str) -> None:
        self.kind = kind
        self.system = System(directory / "bot")
        self.records = directory / "records"
        self.records.mkdir()
        self._seen: set[Path] = set()
        self.system.environ |= KINDS[kind] | {
            "DISCORD_INTENTS": "all",
            "NESCORD_ENTRY": "bot.py",
            "NESCORD_RELOAD_METHOD": "fork",
            "NESCORD_SANDBOX_GUILDS": "3",
            "NESCORD_IDENTIFY_WINDOW": "0.05",
            "DISPATCH_DIRECTORY": str(self.records),
        }
        shutil.copy(SUPPORT / "dispatch_bot.py", self.system.directory / "bot.py")
        self.system.start_sandbox()
        self.system.sandbox("POST", "/settings", {"identify_window": 0.05})
        for guild in self.system.guilds():
            self._furnish(guild)
        self.system.start("run", "rest")

    def _furnish(self, guild: str) -> None:
        call = self.system.sandbox
        call("POST", "/channels", {"name": "Talk", "guild": guild, "kind": "voice"})
        for user in ("dora", "emil"):
            call("POST", "/join", {"user": user, "guild": guild})
        call("POST", "/voice", {"user": "dora", "channel": "Talk", "guild": guild})
        call("POST", "/thread", {"name": "ideas", "channel": "general", "guild": guild, "user": "emil"})

    def on_its_own(self) -> list[Any]:
        """Start the bot on discord.py's own transport, and end it."""
        environ = self.system.environ | loopback.environment()
        environ |= {"DISCORD_TOKEN": environ["DISCORD_BOT_TOKEN"]}
        arguments = (sys.executable, str(SUPPORT / "plain.py"), environ["DISCORD_API_URL"])
        with subprocess.Popen(arguments, env=environ, stdin=subprocess.PIPE, text=True) as process:
            assert process.stdin is not None
            process.stdin.write(f"{SUPPORT / 'dispatch_bot.py'}\n")
            process.stdin.flush()
            found = self._recorded()
            process.stdin.close()
            process.wait(PATIENCE)
        return found

    def main_first(self) -> list[Any]:
        self.system.start("run", "main", "bot.py")
        self.system.until_answers("main_admin", "/stats")
        self.system.start("run", "ws")
        return self._recorded()

    def ws_first(self) -> list[Any]:
        """Start a ws that knows nothing, and main once the guilds have arrived there."""
        for started in self.system.started[2:]:
            if started.process.poll() is None:
                started.stop()
        for name in ("sessions", "world"):
            shutil.rmtree(self.system.directory / ".nescord" / name)
        self.system.start("run", "ws")
        until(lambda: (self.system.stats("ws") or {}).get("outbox", {}).get("depth", 0) >= 4, "guilds")
        self.system.start("run", "main", "bot.py")
        return self._recorded()

    def reload(self) -> list[Any]:
        self.system.until_ready()
        status, answer = fetch("POST", f"http://127.0.0.1:{self.system.ports['main_admin']}/reload")
        assert status == 200, answer
        return self._recorded()

    def _recorded(self) -> list[Any]:
        """Wait until a new process is ready; return what was dispatched there."""

        def ready() -> Path | None:
            fresh = [path for path in self.records.glob("*.json") if path not in self._seen]
            return next((path for path in fresh if json.loads(path.read_text())[-1][0] == "on_ready"), None)

        path: Path = until(ready, "on_ready")
        self._seen.add(path)
        found: list[Any] = json.loads(path.read_text())
        return found


@pytest.fixture(scope="module", params=KINDS)
def starts(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Starts]:
    found = Starts(tmp_path_factory.mktemp("starts"), request.param)
    try:
        yield found
    finally:
        for started in found.system.started:
            print(started.output)
        found.system.close()


def comparable(kind: str, events: list[Any]) -> list[Any]:
    """Return the events without what docs/guides/discordpy.md says may differ, and without Discord's pace.

    Discord decides how shards interleave, so that what can be seen at a moment is not compared with several.
    Members that ws has are not requested: they are there when their guild is.
    """
    names = [[name, args] for name, args, _ in events]
    match kind:
        case "auto-sharded bot":
            assert names[0][0] == "setup_hook"
            connected = [name for name, _ in names].index("connect")
            assert all(seen["latency"] for _, _, seen in events[connected:])
            assert [name for name, _ in names[-2:]] == ["ready", "on_ready"]
            return sorted(names)
        case "bot without presences":
            return [each for each in names if each[1] != ["GUILD_MEMBERS_CHUNK"] and each[0][:3] != "on_"]
    return at_any_pace(events)


def at_any_pace(events: list[Any]) -> list[Any]:
    """Return the same list whether or not a guild is available before the next one arrives.

    It is if it arrives long enough before: discord.py, too, has no members to request.
    """
    names = [name for name, *_ in events]
    first = next(at for at, (_, args, _) in enumerate(events) if args == ["GUILD_CREATE"])
    guilds = events[first : names.index("ready")]
    arrivals, available, heard = ([each for each in guilds if each[0] == kind] for kind in OF_A_GUILD)
    for number, steps in enumerate(zip(arrivals, available, heard, strict=True), 1):
        assert [guilds.index(each) for each in steps] == sorted(guilds.index(each) for each in steps)
        assert all(seen["available"] >= number for _, _, seen in steps[1:])
    announced = [[name, args] for name, args, _ in (*available, *heard)]
    assert len(arrivals) + len(announced) == len(guilds)
    return [*events[:first], *arrivals, *announced, *events[names.index("ready") :]]


def test_every_start_dispatches_the_same(starts: Starts) -> None:
    expected = comparable(starts.kind, starts.on_its_own())
    assert [name for name, *_ in expected].count("guild_available") == 3
    for start in (starts.main_first, starts.reload, starts.ws_first, starts.reload):
        assert comparable(starts.kind, start()) == expected, start.__name__
    assert starts.system.ask("!ping").endswith("ms"), "a cog that waits for a guild is loaded"
