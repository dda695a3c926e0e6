"""Attacks on main's port for events: mutated messages of ws, mutated and odd HTTP/2, each from a seed."""

from __future__ import annotations

import asyncio
import random
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import grpc.aio

from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, open_channel
from nescord_core.settings import SecuritySettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.network import http2

__all__ = ["attack"]

ODD_NUMBERS = (0, 1, 2, 100, (1 << 31) - 1, (1 << 32) - 1, 1 << 62, (1 << 63) - 1, (1 << 64) - 1)
ODD_FLOATS = (0.0, -1.0, 1e-9, 0.5, 1e308, float("inf"), float("nan"))
ODD_TEXTS = ("", "x", "x" * 5000, "a\tb\nc", "\x1b[2J", "\U0001f600" * 300)
LONGEST = 3.0
"""Seconds that an attack may last: main may wait for more of it."""


async def attack(port: int, seed: int) -> str:
    """Make one attack and return what kind it was."""
    chance = random.Random(seed)
    kind = chance.choice((_mutated_bytes, _odd_fields, _odd_fields, _mutated_frames, _odd_frames, _floods))
    # InvalidStateError: main has ended the call before the next message.
    with suppress(TimeoutError, OSError, grpc.aio.AioRpcError, asyncio.InvalidStateError):
        async with asyncio.timeout(LONGEST):
            await kind(port, chance)
    return kind.__name__


def _messages(chance: random.Random) -> list[pb.FromWs]:
    """Return what a good ws sends, with names that no good one has."""
    hello = pb.Hello(
        protocol=PROTOCOL,
        cluster=f"f{chance.randrange(5)}",
        shard_ids=[0, 1],
        shard_count=2,
        lease=chance.choice((0, 1)),
    )
    count = chance.randrange(1, 20)
    batch = pb.EventBatch(
        first_delivery=1,
        sessions=[pb.Session(index=0, shard_id=0, session_id="fuzz")],
        session=[0] * count,
        seq=range(1, count + 1),
        type=["NO_EVENT"] * count,
        key=[1] * count,
        guild_id=[1] * count,
        received_at=[1.0] * count,
        data=[b'{"id":"1"}'] * count,
        redelivered=range(chance.randrange(count)),
    )
    more = [
        pb.FromWs(renewed=pb.Renewed(id=1)),
        pb.FromWs(command_result=pb.CommandResult(id=1, error="no")),
        pb.FromWs(drained=pb.Drained()),
        pb.FromWs(shards=pb.ShardFacts(shard_id=[0], latency=[0.1], guilds=[1], members=[2])),
        pb.FromWs(share=pb.Share(session_id="fuzz", seq=1, unavailable=[1])),
        pb.FromWs(snapshot=pb.Snapshot(shard_id=0, shard_count=2, first=True, last=True, session_id="fuzz")),
        pb.FromWs(events=batch),
    ]
    chance.shuffle(more)
    return [pb.FromWs(hello=hello), pb.FromWs(events=batch), *more[: chance.randrange(len(more))]]


async def _mutated_bytes(port: int, chance: random.Random) -> None:
    parts = [message.SerializeToString() for message in _messages(chance)]
    spared = chance.randrange(2)  # a good Hello leads further
    await _stream(port, [*parts[:spared], *(_mutated(part, chance) for part in parts[spared:])])


async def _odd_fields(port: int, chance: random.Random) -> None:
    messages = _messages(chance)
    for _ in range(chance.randrange(1, 4)):
        _make_odd(chance.choice(messages), chance)
    await _stream(port, [message.SerializeToString() for message in messages])


async def _stream(port: int, parts: Sequence[bytes]) -> None:
    """Send messages as one call and read what comes back."""
    async with open_channel(f"127.0.0.1:{port}", SecuritySettings(), keepalive=5.0) as channel:
        call: Any = channel.stream_stream(METHOD)()
        for part in parts:
            await call.write(part)
        await call.done_writing()
        while isinstance(await call.read(), bytes):
            pass


async def _mutated_frames(port: int, chance: random.Random) -> None:
    frames = [http2.settings(s4=1 << 20), http2.call(METHOD)]
    frames += [http2.message(message.SerializeToString()) for message in _messages(chance)]
    frames.append(http2.frame(http2.DATA, http2.END_STREAM, 1))
    at = chance.randrange(len(frames))
    frames[at] = _mutated(frames[at], chance)
    await _raw(port, b"".join(frames), chance)


async def _odd_frames(port: int, chance: random.Random) -> None:
    def frame() -> bytes:
        kind, flags = chance.choice((*range(11), 250)), chance.choice((0, 1, 4, 5, 8, 32, 255))
        size = chance.choice((0, 1, 4, 5, 8, 9, 17, 100, 16_384, 20_000))
        return http2.frame(kind, flags, chance.choice((0, 1, 2, 3, 5, 1 << 30)), chance.randbytes(size))

    begun = [http2.settings(), http2.call(METHOD)] if chance.random() < 0.7 else []
    await _raw(port, b"".join([*begun, *(frame() for _ in range(chance.randrange(1, 30)))]), chance)


async def _floods(port: int, chance: random.Random) -> None:
    """Send one of the known floods: resets, pings, settings, continuations, headers, windows."""
    count = chance.randrange(100, 3000)
    streams = range(1, 2 * count, 2)
    floods: list[Callable[[], list[bytes]]] = [
        lambda: [http2.call(METHOD, each) + http2.frame(3, 0, each, b"\0\0\0\x08") for each in streams],
        lambda: [http2.frame(6, 0, 0, struct.pack(">Q", each)) for each in streams],
        lambda: [http2.settings(s4=each) for each in streams],
        lambda: [http2.call(METHOD, flags=0), *(http2.frame(9, 0, 1, b"\0\x01a\x01b" * 50) for _ in streams)],
        lambda: [http2.call(METHOD, more=[(f"x-{n}", "v" * 100) for n in range(count)])],
        lambda: [http2.call(METHOD, each) for each in streams],
        lambda: [http2.call(METHOD), *(http2.frame(8, 0, 1, b"\x7f\xff\xff\xff") for _ in streams)],
        lambda: [http2.call(METHOD), *(http2.frame(0, 0, 1, b"") for _ in streams)],
        lambda: [http2.call(METHOD), http2.frame(0, 0, 1, b"\0\xff\xff\xff\xff")],
    ]
    await _raw(port, b"".join([http2.settings(), *chance.choice(floods)()]), chance)


async def _raw(port: int, data: bytes, chance: random.Random) -> None:
    """Send bytes after the preface, in pieces; read until the end, or leave early."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(http2.PREFACE if chance.random() < 0.95 else chance.randbytes(24))
        for at in range(0, len(data), size := chance.choice((1 << 20, 4096, 100))):
            writer.write(data[at : at + size])
            await writer.drain()
        if chance.random() < 0.5:
            writer.write_eof()
        async with asyncio.timeout(chance.choice((0.0, 0.1, 1.0))):
            while await reader.read(65_536):
                pass
    finally:
        writer.transport.abort()


def _mutated(data: bytes, chance: random.Random) -> bytes:
    """Flip bits, cut, repeat, insert or remove."""
    changed = bytearray(data)
    for _ in range(chance.randrange(1, 5)):
        at = chance.randrange(len(changed) + 1)
        match chance.randrange(5):
            case 0 if at < len(changed):
                changed[at] ^= 1 << chance.randrange(8)
            case 1:
                del changed[at:]
            case 2:
                changed[at:at] = changed[max(0, at - 20) : at] * chance.randrange(1, 50)
            case 3:
                changed[at:at] = chance.randbytes(chance.randrange(1, 40))
            case _:
                del changed[at : at + chance.randrange(1, 10)]
    return bytes(changed)


def _make_odd(message: Any, chance: random.Random) -> None:
    """Give a field somewhere in a message a value that it should not have."""
    fields = [descriptor for descriptor, _ in message.ListFields()]
    if not fields:
        return
    field = chance.choice(fields)
    value = getattr(message, field.name)
    if field.message_type is not None:
        _make_odd(chance.choice(value) if field.is_repeated else value, chance)
    elif field.is_repeated:
        values = [*value, *(_odd_value(field, chance) for _ in range(chance.choice((1, 2, 1000))))]
        chance.shuffle(values)
        del value[:]
        value.extend(values[: chance.randrange(len(values) + 1)])
    else:
        setattr(message, field.name, _odd_value(field, chance))


def _odd_value(field: Any, chance: random.Random) -> Any:
    match field.cpp_type:
        case field.CPPTYPE_DOUBLE | field.CPPTYPE_FLOAT:
            return chance.choice(ODD_FLOATS)
        case field.CPPTYPE_BOOL:
            return chance.random() < 0.5
        case field.CPPTYPE_STRING if field.type == field.TYPE_BYTES:
            return chance.choice((b"", b"\xff" * 9, b"[" * 5000, b"{}"))
        case field.CPPTYPE_STRING:
            return chance.choice(ODD_TEXTS)
        case field.CPPTYPE_UINT32:
            return chance.choice(ODD_NUMBERS[:6])
        case field.CPPTYPE_INT32 | field.CPPTYPE_ENUM:
            return chance.choice(ODD_NUMBERS[:5])
        case field.CPPTYPE_INT64:
            return chance.choice(ODD_NUMBERS[:8])
        case _:
            return chance.choice(ODD_NUMBERS)
