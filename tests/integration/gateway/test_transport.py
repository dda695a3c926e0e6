"""Tests the websocket transport against a server that writes raw bytes."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nescord_core.errors import TransportError
from nescord_core.gateway import transport as module
from nescord_core.gateway.transport import Transport, connection_url
from support.network import certificates

Script = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
ACCEPT_KEY = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


@asynccontextmanager
async def raw_server(script: Script, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """Do the websocket handshake, then follow the script."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        key = next(line for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key"))
        digest = hashlib.sha1(f"{key.partition(': ')[2]}{ACCEPT_KEY}".encode()).digest()
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n")
        writer.write(b"Sec-WebSocket-Accept: " + base64.b64encode(digest) + b"\r\n\r\n")
        await script(reader, writer)
        writer.close()

    server = await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context)
    scheme = "wss" if context else "ws"
    try:
        yield f"{scheme}://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()


async def collect(url: str) -> tuple[list[tuple[bytes, bool]], tuple[int | None, str]]:
    """Connect and read to the end."""
    got: list[tuple[bytes, bool]] = []
    transport = Transport(lambda: None, lambda message, is_text: got.append((message, is_text)))
    await transport.open(url, compress="none", timeout=5)
    async with asyncio.timeout(10):
        return got, await transport.read()


def test_every_host_gets_the_same_query_and_keeps_what_it_had() -> None:
    assert (
        connection_url("wss://gateway.discord.gg", "none") == "wss://gateway.discord.gg/?v=10&encoding=json"
    )
    assert connection_url("wss://a.b/?v=9&x=1", "zstd-stream") == (
        "wss://a.b/?x=1&v=10&encoding=json&compress=zstd-stream"
    )


async def test_a_message_in_fragments_is_one_message() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(
            b"\x01\x03one" + b"\x00\x03two" + b"\x80\x05three" + b"\x82\x04four" + b"\x88\x02\x0f\xa0"
        )
        await writer.drain()
        await reader.read()

    async with raw_server(script) as url:
        got, end = await collect(url)
    assert got == [(b"onetwothree", True), (b"four", False)]
    assert end == (4000, "")


async def test_a_ping_is_answered_and_handed_on_to_nobody() -> None:
    answers: list[bytes] = []

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x89\x02hi")
        head = await reader.readexactly(2 + 4 + 2)
        answers.append(bytes([head[0]]) + bytes(a ^ b for a, b in zip(head[6:], head[2:6], strict=False)))
        writer.write(b"\x8a\x02hi" + b"\x88\x00")
        await writer.drain()

    async with raw_server(script) as url:
        got, end = await collect(url)
    assert answers == [b"\x8ahi"]
    assert (got, end) == ([], (None, ""))


async def test_what_is_no_websocket_frame_ends_the_connection_with_the_reason() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x87\x00")
        await writer.drain()
        await reader.read()

    async with raw_server(script) as url:
        got, (code, reason) = await collect(url)
    assert (got, code) == ([], None)
    assert "opcode" in reason


async def test_an_error_of_ours_while_taking_a_message_is_not_swallowed() -> None:
    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x82\x01x")
        await reader.read()

    def fail(message: bytes, is_text: bool) -> None:
        raise RuntimeError("a bug")

    async with raw_server(script) as url:
        transport = await Transport(lambda: None, fail).open(url, compress="none", timeout=5)
        with pytest.raises(RuntimeError, match="a bug"):
            await transport.read()


async def test_a_connection_that_comes_about_after_it_was_given_up_is_dropped_at_once() -> None:
    gone = asyncio.Event()

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        gone.set()

    async with raw_server(script) as url:
        opened: list[bool] = []
        transport = Transport(lambda: opened.append(True), lambda message, is_text: None)
        transport.abort()
        await transport.open(url, compress="none", timeout=5)
        async with asyncio.timeout(10):
            await gone.wait()
        assert await transport.read() == (None, "")
    assert not opened


@pytest.mark.skipif(certificates.MISSING, reason="certificates are made with openssl")
async def test_wss_checks_the_certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certificates.make(tmp_path / "pki")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(files.tls_cert), str(files.tls_key))
    big = bytes(range(256)) * 1000

    async def script(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x82\x7f" + len(big).to_bytes(8, "big") + big + b"\x88\x02\x0f\xa0")
        await writer.drain()
        await reader.read()

    async with raw_server(script, context) as url:
        module._certificates.cache_clear()
        with pytest.raises(TransportError, match=r"(?i)certificate_verify_failed"):
            await Transport(lambda: None, lambda message, is_text: None).open(url, compress="none", timeout=5)
        module._certificates.cache_clear()
        monkeypatch.setenv("SSL_CERT_FILE", str(files.tls_ca))
        try:
            assert await collect(url) == ([(big, False)], (4000, ""))
            with pytest.raises(TransportError, match=r"(?i)certificate"):
                await collect(url.replace("127.0.0.1", "localhost"))
        finally:
            module._certificates.cache_clear()
