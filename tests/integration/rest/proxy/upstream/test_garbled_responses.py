"""An odd upstream: nothing hangs, and nothing is passed on as whole that is not.

NESCORD_FUZZ_SECONDS sets the duration (default 4), NESCORD_FUZZ_SEED the seed (default 1).
"""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

from nescord_core.settings import CacheOptions, RestSettings
from support.rest.garbled_responses import garbled_response, response
from support.rest.running_proxy import serving

SECONDS = float(os.environ.get("NESCORD_FUZZ_SECONDS", "4"))
SEED = int(os.environ.get("NESCORD_FUZZ_SEED", "1"))
AT_ONCE = 8
TIMEOUT = 0.2
PATIENCE = 30.0
"""Seconds for any answer: far above the proxy's time-outs and retries."""
GOOD = "/gateway/good"


def body_of(path: str) -> bytes:
    """Return the body that is true for a path."""
    return (path.encode() + b" ") * (1 + len(path) * 7 % 40)


class Upstream(asyncio.Protocol):
    """Answers valid responses in pieces, cut-off ones, garbled ones, several, or none."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance
        self._buffer = b""
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if self._buffer.endswith(b"\r\n\r\n"):
            path = self._buffer.split(b" ", 2)[1].decode().removeprefix("/api/v10")
            self._buffer = b""
            self._answer(path)

    def _answer(self, path: str) -> None:
        chance = self._chance
        whole = response(chance, body_of(path))
        kind = "whole" if path == GOOD else chance.choice(["whole"] * 4 + ["cut", "garbled", "twice", "none"])
        if kind == "none":
            return
        if kind == "garbled":
            whole = garbled_response(chance)
        if kind == "cut":
            whole = whole[: chance.randrange(len(whole))]
        if kind == "twice":
            whole += chance.choice([whole, b"\r\n", b"HTTP/1.1 200 OK\r\n", b"x"])
        if chance.random() < 0.5:
            self._transport.write(whole)
        else:
            at = chance.randrange(len(whole) + 1)
            self._transport.write(whole[:at])
            asyncio.get_running_loop().call_later(chance.random() * 0.02, self._send, whole[at:])
        if kind in {"cut", "garbled"} and chance.random() < 0.7:
            asyncio.get_running_loop().call_later(chance.random() * 0.03, self._transport.close)

    def _send(self, data: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)


def settings_for(upstream: str, state_dir: Path) -> RestSettings:
    return RestSettings(
        token="fake.token.for-tests",
        api_url=upstream,
        port=0,
        state_dir=state_dir,
        request_timeout=TIMEOUT,
        retry_backoff=0.01,
        stop_timeout=0.5,
        global_limit=100_000,
        cache=CacheOptions(enabled=False),
    )


async def call(address: str, path: str) -> tuple[int, bytes | None]:
    """Return the status and body; None for one that is visibly incomplete."""
    host, _, port = address.rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    try:
        writer.write(f"GET {path} HTTP/1.1\r\nHost: a\r\nAccept: b\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            head = await reader.readuntil(b"\r\n\r\n")
            status = int(head.split()[1])
            length = next(
                (
                    int(line[16:])
                    for line in head.lower().split(b"\r\n")
                    if line.startswith(b"content-length: ")
                ),
                0,
            )
            return status, await reader.readexactly(length)
    except asyncio.IncompleteReadError:
        return 0, None
    finally:
        writer.close()


async def test_an_odd_upstream_neither_hangs_nor_deceives_a_caller(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    loop = asyncio.get_running_loop()
    listener = await loop.create_server(lambda: Upstream(chance), "127.0.0.1", 0)
    host, port = listener.sockets[0].getsockname()
    answered = {"whole": 0, "error": 0}

    async def calls(address: str, number: int, until: float) -> None:
        mine = random.Random(f"{SEED}-{number}")
        while loop.time() < until:
            path = f"/gateway/{number}-{mine.randrange(1000)}"
            status, body = await call(address, path)
            if status == 200 and body == body_of(path):
                answered["whole"] += 1
                continue
            answered["error"] += 1
            if status == 200 and body is not None:
                # A garbled response may be valid by chance; none has a path in its body.
                assert b"/gateway/" not in body, (path, body)

    try:
        async with serving(settings_for(f"http://{host}:{port}/api/v10", tmp_path)) as started:
            until = loop.time() + SECONDS
            async with asyncio.TaskGroup() as group:
                for number in range(AT_ONCE):
                    group.create_task(calls(started.address, number, until))
            assert (await call(started.address, GOOD))[1] == body_of(GOOD)
    finally:
        listener.close()
    assert answered["whole"] > AT_ONCE
    assert answered["error"] > 0
