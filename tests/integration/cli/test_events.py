"""`nescord events` with a running `nescord dev`: tail, record, last --again, replay."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import pytest

from support.processes.commands import until
from support.system.system import System

APP = """
from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()


@listener.on("message_create")
async def answer(message):
    if message.content == "!ping":
        await rest.create_message(message.channel_id, content={word!r})
"""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("events") / "bot")
    system.replace_app(APP.format(word="Pong!"))
    try:
        system.start_sandbox()
        system.start_dev()
        yield system
    finally:
        system.close()


def messages(system: System) -> int:
    return len(system.sandbox("GET", f"/messages?channel=general&guild={system.guilds()[0]}&limit=100"))


def test_events_are_shown_recorded_and_replayed_on_changed_code(system: System) -> None:
    tail = system.start("events", "tail", "--json", "--type", "messageCreate")
    record = system.start("events", "record", "../some.zst", "--scrub", "names")
    taps = system.directory / ".nescord" / "taps"
    until(lambda: taps.is_dir() and len(list(taps.glob("*.json"))) == 2, "both readers")
    # A running worker finds them within half a second.
    until(lambda: system.ask("!ping") == "Pong!" and '"call"' in tail.output, "a call in the tail")
    until(lambda: system.ask("!ping") == "Pong!" and '"!ping"' in tail.output, "an event in the tail")
    assert tail.stop(signal.SIGINT) == 0
    assert record.stop(signal.SIGTERM) == 0
    assert "events to ../some.zst" in record.output
    lines = [json.loads(line) for line in tail.output.splitlines()]
    assert {line["kind"] for line in lines} == {"event", "call", "end"}
    assert "!ping" in {line["data"]["content"] for line in lines if line["kind"] == "event"}
    assert {line["body"]["content"] for line in lines if line["kind"] == "call"} == {"Pong!"}
    assert system.environ["DISCORD_BOT_TOKEN"] not in tail.output

    before = messages(system)
    system.replace_app(APP.format(word="Pong two!"))
    until(lambda: (system.stats("main") or {"reloads": {"done": 0}})["reloads"]["done"] == 1, "the reload")
    again = system.run("events", "last", "50", "--again")
    assert again.returncode == 0, again
    assert "- POST /channels/" in again.stdout
    assert '{"content":"Pong!"}' in again.stdout
    assert "+ POST /channels/" in again.stdout
    assert '{"content":"Pong two!"}' in again.stdout
    shown = system.run("events", "last", "50")
    assert "alice: !ping" in shown.stdout
    replayed = system.run("events", "replay", "../some.zst", "--speed", "0", "--diff")
    assert replayed.returncode == 0, replayed
    assert "Pong two!" in replayed.stdout
    assert messages(system) == before, "replayed calls do not reach people"
    assert not list(taps.iterdir())


def test_tail_ends_after_its_limit(system: System) -> None:
    tail = system.start("events", "tail", "--limit", "1")
    until(lambda: tail.process.poll() is not None or not system.say("hello"), "the end of the tail")
    assert tail.wait() == 0
    assert "alice: hello" in tail.output
