"""Strangers and odd peers on main's port for events, while a real ws delivers a load through it."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import grpc
import grpc.aio
import pytest

from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, open_channel
from nescord_core.settings import SecuritySettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.network import http2
from support.network.strangers import connect, is_open, many
from support.processes.commands import until
from support.system.system import Load, System
from support.system.under_attack import watched

IDLE = b"".join([http2.PREFACE, http2.settings(), http2.frame(http2.SETTINGS, 1, 0)])


@pytest.fixture(scope="module")
def load(system: System) -> Iterator[Load]:
    """A load that every attack has to let through, in order."""
    with system.load(rate=50) as load:
        yield load
        findings = load.check()
    assert findings.good, findings
    assert findings.again == 0


@pytest.fixture(scope="module", autouse=True)
def idle(system: System, load: Load) -> Iterator[Any]:
    """A connection without a stream, from before the first attack."""
    with connect(system.ports["main"], IDLE) as connection:
        yield connection


def goes_on(load: Load) -> None:
    load.handled(more_than=load.handled() + 20)


def hello(**changes: Any) -> pb.FromWs:
    facts: dict[str, Any] = {"protocol": PROTOCOL, "cluster": "odd", "shard_ids": [0], "shard_count": 1}
    return pb.FromWs(hello=pb.Hello(**(facts | changes)))


def batch(count: int, **changes: Any) -> pb.FromWs:
    columns: dict[str, Any] = {
        "first_delivery": 1,
        "sessions": [pb.Session(index=0, shard_id=0, session_id="odd")],
        "session": [0] * count,
        "seq": range(1, count + 1),
        "type": ["NO_EVENT"] * count,
        "key": [1] * count,
        "guild_id": [1] * count,
        "received_at": [1.0] * count,
        "data": [b"{}"] * count,
    }
    return pb.FromWs(events=pb.EventBatch(**(columns | changes)))


async def why(port: int, *messages: pb.FromWs, metadata: tuple[tuple[str, str], ...] = ()) -> str:
    """Send messages on a stream of its own; return with which words it ends."""
    channel = open_channel(f"127.0.0.1:{port}", SecuritySettings(), keepalive=10)
    async with channel, asyncio.timeout(30):
        call: Any = channel.stream_stream(
            METHOD,
            request_serializer=pb.FromWs.SerializeToString,
            response_deserializer=pb.FromMain.FromString,
        )(metadata=metadata)
        try:
            for message in messages:
                await call.write(message)
            while isinstance(await call.read(), pb.FromMain):
                pass
        except grpc.aio.AioRpcError as error:
            return str(error.details())
        return str(await call.details())


ODD: dict[str, tuple[str, list[pb.FromWs]]] = {
    "a lease of a nanosecond": ("lease", [hello(lease=1e-9)]),
    "a lease that is no number": ("lease", [hello(lease=float("nan"))]),
    "a lease of a year": ("lease", [hello(lease=3e7)]),
    "a million shards": ("shards", [hello(shard_ids=range(1_000_000), shard_count=1_000_000)]),
    "a shard that is none": ("shard that is none", [hello(shard_ids=[1])]),
    "a name of 5 MB": ("name in Hello", [hello(cluster="x" * 5_000_000)]),
    "a name of two lines": ("name in Hello", [hello(address="a\nb")]),
    "a session of two lines": ("session id", [hello(), batch(1, sessions=[pb.Session(session_id="a\tb\n")])]),
    "columns": ("columns", [hello(), batch(2, seq=[1])]),
    "a delivery of 2^64 - 1": ("delivery", [hello(), batch(1, first_delivery=(1 << 64) - 1)]),
    "a delivery again": ("delivery", [hello(), batch(1), batch(1)]),
    "a sequence number of 2^63": ("sequence number", [hello(), batch(1, seq=[1 << 63])]),
    "events beyond the credit": ("credit", [hello(), batch(3000)]),
    "65,537 sessions": (
        "sessions",
        [hello(), batch(1, sessions=[pb.Session(index=n, session_id=f"s{n}") for n in range(65_537)])],
    ),
}


@pytest.mark.bound(
    "Streams between ws and main: the lease in Hello",
    "Streams between ws and main: shards in Hello",
    "Streams between ws and main: names: replica, cluster, address, application, version, process, session",
    "Streams between ws and main: columns of a batch",
    "Streams between ws and main: delivery and sequence numbers",
    "Streams between ws and main: events sent to main",
    "Streams between ws and main: sessions introduced on a stream",
)
@pytest.mark.parametrize(("words", "messages"), ODD.values(), ids=ODD.keys())
async def test_an_odd_peer(system: System, load: Load, words: str, messages: list[pb.FromWs]) -> None:
    with watched(system, "main", most_mb=60):
        assert words in await why(system.ports["main"], *messages)
        goes_on(load)


@pytest.mark.bound(
    "main's port for events: connections", "main's port for events: a connection that says nothing"
)
def test_silent_connections(system: System, load: Load) -> None:
    port = system.ports["main"]
    with watched(system, "main", most_mb=60), many(port, 700) as silent:
        until(lambda: sum(map(is_open, silent)) <= 512, "the number of connections is bounded")
        goes_on(load)
        until(lambda: not any(map(is_open, silent)), "silent connections are closed")
        goes_on(load)


@pytest.mark.bound(
    "main's port for events: a stream without a Hello", "main's port for events: streams on a connection"
)
async def test_streams_without_a_hello(system: System, load: Load) -> None:
    channel = open_channel(f"127.0.0.1:{system.ports['main']}", SecuritySettings(), keepalive=10)
    with watched(system, "main", most_mb=40):
        async with channel:
            await channel.channel_ready()  # the limit on streams has arrived
            calls: list[Any] = [channel.stream_stream(METHOD)() for _ in range(40)]
            ended = [asyncio.create_task(call.details()) for call in calls]
            first, _ = await asyncio.wait(ended, timeout=20, return_when=asyncio.FIRST_COMPLETED)
            assert "no Hello within 10 s" in next(iter(first)).result()
            await asyncio.sleep(2)
            assert 16 <= sum(each.done() for each in ended) < 40, "the others wait for their turn"
            for each in ended:
                each.cancel()
            await asyncio.wait(ended)
        goes_on(load)


@pytest.mark.bound("main's port for events: metadata of a call")
async def test_metadata_without_end(system: System, load: Load) -> None:
    with watched(system, "main", most_mb=40):
        answer = await why(system.ports["main"], hello(), metadata=(("x-large", "v" * 100_000),))
        assert "metadata" in answer.lower()
        continued = http2.frame(9, 0, 1, b"\0\x01a\x7f\0" + b"v" * 127) * 5000
        start = http2.PREFACE + http2.settings() + http2.call(METHOD, flags=0)
        with connect(system.ports["main"], start) as endless:
            with suppress(ConnectionError):
                endless.sendall(continued)
            goes_on(load)


async def test_a_message_that_claims_4_gb(system: System, load: Load) -> None:
    claim = http2.frame(http2.DATA, 0, 1, b"\0" + struct.pack(">I", (1 << 32) - 1))
    start = IDLE + http2.call(METHOD) + claim
    with watched(system, "main", most_mb=40), connect(system.ports["main"], start):
        goes_on(load)


@pytest.mark.bound("main's port for events: a connection without a stream")
def test_a_connection_without_a_stream(load: Load, idle: Any) -> None:
    """The last test: the connection is as old as the module by now."""
    until(lambda: not is_open(idle), "an idle connection is closed", patience=90)
    goes_on(load)
