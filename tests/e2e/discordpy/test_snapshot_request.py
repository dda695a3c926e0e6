"""ws keeps guilds from the moment a discord.py bot asks for them, whatever its own main.entry says."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from support.processes.commands import Started, fetch, until
from support.system.system import System

BOT = Path(__file__).parents[2] / "support" / "discordpy" / "dispatch_bot.py"
GUILDS = 3


def ready(records: Path, seen: set[Path]) -> dict[str, Any]:
    """Wait until a new process has fired on_ready with all guilds; return what it saw."""

    def found() -> Path | None:
        fresh = [path for path in records.glob("*.json") if path not in seen]
        return next((path for path in fresh if json.loads(path.read_text())[-1][0] == "on_ready"), None)

    path: Path = until(found, "on_ready")
    seen.add(path)
    what: dict[str, Any] = json.loads(path.read_text())[-1][2]
    return what


def test_a_ws_without_main_entry_keeps_guilds_once_a_main_has_asked(tmp_path: Path) -> None:
    system = System(tmp_path / "bot")
    records = tmp_path / "records"
    records.mkdir()
    seen: set[Path] = set()
    system.environ |= {"DISCORD_INTENTS": "all", "NESCORD_IDENTIFY_WINDOW": "0.05"}
    system.environ |= {"NESCORD_SANDBOX_GUILDS": str(GUILDS), "DISPATCH_DIRECTORY": str(records)}
    shutil.copy(BOT, system.directory / "bot.py")
    try:
        system.start_sandbox()
        system.sandbox("POST", "/settings", {"identify_window": 0.05})
        system.start("run", "rest")
        ws = system.start("run", "ws")
        until(lambda: system.gateway()["identifies"] == 1, "the session that nobody keeps guilds of")
        ws.wait_for("ready with a new session")
        main = system.start("run", "main", "bot.py")
        assert ready(records, seen)["available"] == GUILDS
        assert system.gateway()["identifies"] == 2, "one new session brings them"
        assert ws.output.count("main needs the guilds") == 1

        system.until_ready()
        fetch("POST", f"http://127.0.0.1:{system.ports['main_admin']}/reload")
        assert ready(records, seen)["available"] == GUILDS

        main, ws = restarted(system, main, ws)
        resumed = ready(records, seen)
        assert resumed["available"] == GUILDS, "ws remembers that it was asked"
        assert resumed["latency"], "that of the session that was resumed"
        assert system.gateway()["identifies"] == 2
        assert "main needs the guilds" not in ws.output
    finally:
        for started in system.started:
            print(started.output)
        system.close()


def restarted(system: System, main: Started, ws: Started) -> tuple[Started, Started]:
    main.stop()
    ws.stop()
    ws = system.start("run", "ws")
    ws.wait_for("session resumed")
    return system.start("run", "main", "bot.py"), ws
