"""OpenTelemetry: one trace from the gateway event to Discord's answer, over all processes."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.processes.commands import until
from support.system.otlp_receiver import OtlpReceiver, ReceivedSpan, receiving
from support.system.system import System

LISTENER = """
import asyncio
from pathlib import Path

from nescord_core import RestClient, WsListener

listener = WsListener()
rest = RestClient()


@listener.on("message_create")
async def answer(message):
    if message.author.bot:
        return
    if message.content == "!wait" and VERSION == 1:
        Path("waiting").touch()
        await asyncio.sleep(3600)
    await rest.create_message(message.channel_id, content=f"Pong {VERSION}")
"""
CLIENT = """
import discord

class Client(discord.Client):
    async def on_message(self, message):
        if message.content == "!ping":
            await message.channel.send("Pong")

listener = Client(intents=discord.Intents(guilds=True, guild_messages=True, message_content=True))
"""
CONSUMER, CLIENT_KIND, PRODUCER, SERVER = 5, 3, 4, 2


@pytest.fixture
def receiver() -> Iterator[OtlpReceiver]:
    with receiving() as receiver:
        yield receiver


@pytest.fixture
def system(tmp_path: Path, receiver: OtlpReceiver) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.environ |= {
        "OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url,
        "OTEL_BSP_SCHEDULE_DELAY": "100",
        "NESCORD_DRAIN_TIMEOUT": "1",
    }
    yield system
    for started in system.started:
        print(started)
    system.close()


def kinds(spans: list[ReceivedSpan]) -> Counter[tuple[str, int]]:
    """Return how many spans of each kind each service has exported."""
    return Counter((span.service.removeprefix("nescord-"), span.kind) for span in spans)


def messages(receiver: OtlpReceiver, count: int) -> list[list[ReceivedSpan]]:
    """Wait for the whole traces of as many answered messages; return them by their start.

    Each service exports when it likes, the parts of a trace in any order.
    """
    whole = {("ws", CONSUMER), ("ws", PRODUCER), ("main", CONSUMER), ("main", CLIENT_KIND)}
    whole |= {("rest", SERVER), ("rest", CLIENT_KIND)}

    def found() -> list[list[ReceivedSpan]]:
        traces = [(spans, kinds(spans)) for spans in receiver.traces().values()]
        full = [
            spans
            for spans, seen in traces
            if whole <= seen.keys() and seen["ws", PRODUCER] == seen["main", CONSUMER]
        ]
        return sorted(full, key=lambda spans: min(span.start for span in spans))

    until(lambda: len(found()) >= count, f"{count} traces of messages with a call")
    return found()


def one(spans: list[ReceivedSpan], service: str, kind: int) -> ReceivedSpan:
    (span,) = [each for each in spans if (each.service, each.kind) == (f"nescord-{service}", kind)]
    return span


def check_chain(spans: list[ReceivedSpan], *chain: ReceivedSpan) -> None:
    """Each span of the chain is the parent of the next, and begins before it."""
    assert not chain[0].parent
    for outer, inner in itertools.pairwise(chain):
        assert inner.parent == outer.id, (outer, inner)
        assert outer.start <= inner.start
    assert len({span.id for span in spans}) == len(spans)


def test_one_trace_from_the_gateway_to_discords_answer_also_across_a_reload(
    system: System, receiver: OtlpReceiver
) -> None:
    system.replace_app(f"VERSION = 1\n{LISTENER}")
    system.start_sandbox()
    system.start_dev()
    assert system.ask("!ping") == "Pong 1"
    (spans,) = messages(receiver, 1)
    event, forward = one(spans, "ws", CONSUMER), one(spans, "ws", PRODUCER)
    handler, call = one(spans, "main", CONSUMER), one(spans, "main", CLIENT_KIND)
    request, attempt = one(spans, "rest", SERVER), one(spans, "rest", CLIENT_KIND)
    check_chain(spans, event, forward, handler, call, request, attempt)
    assert len({span.pid for span in spans}) == 3
    assert (event.name, handler.name) == ("MESSAGE_CREATE", "answer")
    assert call.name == request.name == attempt.name == "POST /channels/:id/messages"
    assert attempt.attributes["http.response.status_code"] == 200
    assert attempt.attributes["server.address"] == f"127.0.0.1:{system.ports['sandbox']}"
    assert event.attributes["discord.guild_id"] == system.guilds()[0]
    assert not any(span.failed for span in spans)

    # The old worker is told to stop while the handler waits; the new one gets the same event, and answers.
    said = system.say("!wait")
    until((system.directory / "waiting").exists, "the handler")
    system.replace_app(f"VERSION = 2\n{LISTENER}")
    wanted = {"channel": said["channel_id"], "after": said["id"], "timeout": 30}
    assert system.sandbox("POST", "/wait", wanted)["content"] == "Pong 2"
    spans = messages(receiver, 2)[1]
    event = one(spans, "ws", CONSUMER)
    first, second = sorted((each for each in spans if each.name == "forward"), key=lambda each: each.start)
    old, new = sorted((each for each in spans if each.name == "answer"), key=lambda each: each.start)
    check_chain(spans, event, second, new, one(spans, "main", CLIENT_KIND), one(spans, "rest", SERVER))
    assert (first.parent, old.parent) == (event.id, first.id)
    assert old.pid != new.pid
    assert first.attributes["nescord.interrupted"] == "handed back"
    assert (old.failed, old.attributes["error.type"]) == (True, "CancelledError")
    assert not first.attributes["nescord.redelivered"]
    assert second.attributes["nescord.redelivered"]


def test_discord_py_and_a_sample_of_none(system: System, receiver: OtlpReceiver) -> None:
    system.replace_app(CLIENT)
    system.start_sandbox()
    dev = system.start_dev()
    assert system.ask("!ping") == "Pong"
    (spans,) = messages(receiver, 1)
    handler, call = one(spans, "main", CONSUMER), one(spans, "main", CLIENT_KIND)
    chain = (one(spans, "ws", CONSUMER), one(spans, "ws", PRODUCER), handler, call)
    check_chain(spans, *chain, one(spans, "rest", SERVER), one(spans, "rest", CLIENT_KIND))
    assert dev.stop() == 0
    receiver.spans.clear()
    system.environ["OTEL_TRACES_SAMPLER"] = "parentbased_always_off"
    system.start_dev()
    assert system.ask("!ping") == "Pong"
    assert system.started[-1].stop() == 0
    assert receiver.spans == []
