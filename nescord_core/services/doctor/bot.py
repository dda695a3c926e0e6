"""Compares the bot's handlers with the configured intents and events.

The bot's code is imported in a separate process, without its token, to find out what it registers.
"""

from __future__ import annotations

import asyncio
import importlib
import json
import os
import runpy
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nescord_core.bot.listener import WsListener
from nescord_core.config import Config
from nescord_core.events import ANY_EVENT, Intents, unreachable
from nescord_core.reload.loading import entry as entries
from nescord_core.reload.swapping.failure import Failure
from nescord_core.services.doctor.findings import Finding, failed, passed, warning

__all__ = ["examine"]

_TIMEOUT = 30.0
_MARK = "nescord-registrations:"
"""Begins the line of that process's output that holds the result."""


async def examine(config: Config) -> list[Finding]:
    """Import the bot and check its handlers."""
    found = await _registered(config)
    if found is None:
        return []
    if "error" in found:
        return [failed("handlers", str(found["error"]), "Fix that line; `nescord dev` shows the traceback.")]
    if "intents" in found:
        return [_client_intents(config, Intents(found["intents"]))]
    events = sorted(found["events"])
    return [*_events(config, events), *_content(config, events)]


async def _registered(config: Config) -> Mapping[str, Any] | None:
    """Return the bot's registrations as the separate process reports them; None if there is no bot yet."""
    entry = config["main.entry"]
    module = entry.partition(":")[0].replace(".", "/")
    places = [entry] if entry.endswith(".py") else [f"{module}.py", f"{module}/__init__.py"]
    if not any((config.project / place).is_file() for place in places):
        return None
    environment = {**os.environ, **config.environment()}
    environment.pop("DISCORD_BOT_TOKEN", None)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-P", "-m", "nescord_core.services.doctor.bot", entry, str(config.project)),
        cwd=config.project,
        env=environment,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(_TIMEOUT):
            output, _ = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.wait()
        return {"error": f"importing {entry} took longer than {_TIMEOUT:g} s"}
    for line in output.decode(errors="replace").splitlines():
        if line.startswith(_MARK):
            found: Mapping[str, Any] = json.loads(line.removeprefix(_MARK))
            return found
    return {"error": f"importing {entry} ended the process (exit code {process.returncode})"}


def _events(config: Config, events: list[str]) -> Iterator[Finding]:
    names = ", ".join(each.lower() for each in events) or "nothing"
    if not events:
        yield warning("handlers", "the bot has no handlers", "Register one with @listener.on(...).")
        return
    wanted: frozenset[str] | None = config["bot.events"]
    filtered = sorted(
        each for each in events if wanted is not None and each != ANY_EVENT and each not in wanted
    )
    if filtered:
        what = ", ".join(each.lower() for each in filtered)
        yield warning(
            "handlers", f"bot.events excludes {what}", "Add them to bot.events (EVENTS), or set it to *."
        )
    lost = unreachable(events, config["bot.intents"])
    for event, needed in lost.items():
        one = " or ".join(name.lower() for name in needed.names)
        yield failed(
            "handlers",
            f"{event.value.lower()} is never sent without the intent {one}",
            "Add it to bot.intents.",
        )
    if not filtered and not lost:
        yield passed("handlers", f"{names}: covered by the configured intents")


def _content(config: Config, events: list[str]) -> Iterator[Finding]:
    intents = Intents(config["bot.intents"])
    if "MESSAGE_CREATE" in events and not intents & Intents.MESSAGE_CONTENT:
        yield warning(
            "message_content",
            "without this intent, the content of most messages is empty",
            "Add message_content to bot.intents if the bot reads messages.",
        )


def _client_intents(config: Config, needed: Intents) -> Finding:
    """Compare a discord.py client's own intents with those that ws requests."""
    missing = needed & ~Intents(config["bot.intents"])
    if missing:
        names = ", ".join(name.lower() for name in missing.names)
        return failed(
            "handlers",
            f"the bot needs intents that ws does not request: {names}",
            "Add them to bot.intents.",
        )
    return passed("handlers", "ws requests every intent that the bot needs")


# In the separate process


def _inspect(entry: str, project: Path) -> Mapping[str, Any]:
    sys.path.insert(0, str(project))
    if entry.endswith(".py"):
        return _inspect_file(project / entry, project)
    found = entries.load(entry, project)
    if isinstance(found, Failure):
        where = f"{found.file}:{found.line}: " if found.line else ""
        return {"error": f"{where}{found.message}"}
    intents = getattr(found, "intents", None)
    if intents is not None and not isinstance(found, WsListener):
        return {"intents": int(intents.value)}
    listener = found if isinstance(found, WsListener) else getattr(found, "listener", None)
    if not isinstance(listener, WsListener):
        return {"error": f"{entry} is of type {type(found).__name__}; it must be a WsListener or a bot"}
    return {"events": sorted({each.event for each in listener.registrations})}


def _inspect_file(path: Path, project: Path) -> Mapping[str, Any]:
    """Run a discord.py bot's file up to the point where it logs in."""
    discord: Any = importlib.import_module("discord")
    seen: list[int] = []

    class _LoggingIn(BaseException):
        pass

    def stop(self: Any, *_: Any, **__: Any) -> None:
        seen.append(int(self.intents.value))
        raise _LoggingIn

    for name in ("run", "start", "login"):
        setattr(discord.Client, name, stop)
    try:
        runpy.run_path(str(path), run_name="__main__")
    except _LoggingIn:
        return {"intents": seen[0]}
    except BaseException as error:  # the bot's code may raise anything
        failure = entries.failure_of(error, project)
        where = f"{failure.file}:{failure.line}: " if failure.line else ""
        return {"intents": seen[0]} if seen else {"error": f"{where}{failure.message}"}
    return (
        {"intents": seen[0]}
        if seen
        else {"error": f"{path.name} does not create a client, or does not run it"}
    )


if __name__ == "__main__":
    print(f"\n{_MARK}{json.dumps(_inspect(sys.argv[1], Path(sys.argv[2])))}", flush=True)
    os._exit(0)  # do not wait for threads that the bot's import has started
