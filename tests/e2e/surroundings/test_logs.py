"""JSON logs with the event that caused them, levels changed at run time, and Sentry as the docs tell it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.processes.commands import Started, until
from support.system.sentry_ingest import SentryIngest, ingesting
from support.system.system import System

PAGE = Path(__file__).parents[3] / "docs" / "production" / "logs.md"
LISTENER = """
import logging

from bot_main import tracking
from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()
log = logging.getLogger("mybot")


@listener.on("message_create")
async def answer(message):
    if message.author.bot:
        return
    log.debug("details of %s", message.content)
    log.info("asked %s", message.content)
    await rest.create_message(message.channel_id, content=f"Pong VERSION")
    if message.content == "!fail":
        raise LookupError("no such thing")
"""
CLIENT = """
import logging

import discord

from bot_main import tracking


class Client(discord.Client):
    async def on_message(self, message):
        if not message.author.bot:
            await message.channel.send("Pong")
            raise LookupError("no such thing")

listener = Client(intents=discord.Intents(guilds=True, guild_messages=True, message_content=True))
"""


@pytest.fixture
def ingest() -> Iterator[SentryIngest]:
    with ingesting() as ingest:
        yield ingest


@pytest.fixture
def system(tmp_path: Path, ingest: SentryIngest) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.environ |= {"SENTRY_DSN": ingest.dsn}
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    (recipe,) = [each for each in examples if "sentry_sdk.init(" in each]
    (system.directory / "bot_main" / "tracking.py").write_text(recipe)
    yield system
    for started in system.started:
        print(started)
    system.close()


def start(system: System) -> Started:
    system.start_sandbox()
    dev = system.start("dev", "--no-sandbox", "--json")
    system.until_ready()
    return dev


def records(dev: Started) -> list[dict[str, Any]]:
    found = [json.loads(line) for line in dev.output.splitlines() if line.startswith("{")]
    return [each for each in found if "message" in each]


def logged(dev: Started, wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Wait for a record."""
    until(lambda: any(map(wanted, records(dev))), "the record")
    return next(filter(wanted, records(dev)))


def message(text: str) -> Callable[[dict[str, Any]], bool]:
    return lambda each: text in each["message"]


def test_records_carry_their_event_levels_change_and_errors_arrive(
    system: System, ingest: SentryIngest
) -> None:
    system.replace_app(LISTENER.replace("VERSION", "1"))
    dev = start(system)
    assert system.ask("!one") == "Pong 1"
    first = logged(dev, message("asked !one"))
    assert (first["service"], first["logger"], first["event"]) == ("main", "mybot", "MESSAGE_CREATE")
    assert (first["shard"], first["guild"]) == (0, system.guilds()[0])
    assert len(first["session"]) > 10

    shown = system.run("log-level", "main", "debug")
    assert (shown.returncode, shown.stdout) == (0, "main logs debug until it is reset\n")
    logged(dev, message("log level: debug"))
    until(lambda: system.ask("!two") and any(map(message("details of !two"), records(dev))), "debug records")
    assert not any(map(message("details of !one"), records(dev)))
    system.replace_app(LISTENER.replace("VERSION", "2"))
    until(lambda: system.ask("!three") == "Pong 2", "the new code")
    second = logged(dev, message("details of !three"))
    assert second["seq"] > first["seq"]
    assert system.run("log-level", "main", "--reset").stdout == "All services log as configured.\n"
    logged(dev, message("log level: as configured"))

    system.ask("!fail")
    failure = logged(dev, message("no such thing"))
    until(lambda: ingest.reports, "the report")
    (report,) = ingest.reports
    assert report["tags"]["discord.event"] == failure["event"] == "MESSAGE_CREATE"
    assert report["tags"]["discord.guild"] == failure["guild"]
    assert report["tags"]["discord.id"].endswith(f"-{failure['seq']}")
    assert report["tags"]["discord.id"] in system.run("events", "failed").stdout
    (error,) = report["exception"]["values"]
    assert (error["type"], error["value"]) == ("LookupError", "no such thing")
    assert error["stacktrace"]["frames"][-1]["function"] == "answer"
    assert not any("vars" in frame for frame in error["stacktrace"]["frames"])
    assert "traceback" not in failure  # it is in the message


def test_records_and_errors_of_discord_py(system: System, ingest: SentryIngest) -> None:
    system.replace_app(CLIENT)
    dev = start(system)
    assert system.ask("!ping") == "Pong"
    failure = logged(dev, lambda each: (each.get("logger"), each.get("level")) == ("discord.client", "error"))
    assert (failure["event"], failure["guild"]) == ("MESSAGE_CREATE", system.guilds()[0])
    assert "LookupError: no such thing" in failure["traceback"]
    until(lambda: ingest.reports, "the report")
    assert ingest.reports[0]["tags"]["discord.id"].endswith(f"-{failure['seq']}")
