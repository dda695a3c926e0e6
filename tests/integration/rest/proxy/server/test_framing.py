"""Where a request ends: offers of other protocols, trailers, heads and chunks however they are cut."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path

import pytest

from integration.rest.proxy.server.test_server import HEAD, serials, statuses
from nescord_core.settings import SecuritySettings
from support.rest.running_proxy import Running, running_proxy


def address(proxy: Running) -> tuple[str, int]:
    host, _, port = proxy.address.rpartition(":")
    return host, int(port)


OFFER = (
    b"POST /channels/5/messages HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\n"
    b"Upgrade: h2c\r\nHTTP2-Settings: AAEA\r\n"
)
BODY = b'{"content":"x"}'
AFTER = HEAD % 2 + b"Connection: close\r\n\r\n"
WITH_BODY = {
    "Content-Length": [OFFER + b"Content-Length: 15\r\n\r\n" + BODY + AFTER],
    "chunked": [
        OFFER + b"Transfer-Encoding: chunked\r\n\r\n7\r\n" + BODY[:7] + b"\r\n8\r\n" + BODY[7:],
        b"\r\n0\r\n\r\n" + AFTER,
    ],
    "body in segments of its own": [OFFER + b"Content-Length: 15\r\n\r\n", BODY[:4], BODY[4:], AFTER],
    "every byte alone": [bytes([b]) for b in OFFER + b"Content-Length: 15\r\n\r\n" + BODY + AFTER],
    "100-continue": [OFFER + b"Expect: 100-continue\r\nContent-Length: 15\r\n\r\n", BODY + AFTER],
}


@pytest.mark.parametrize("segments", WITH_BODY.values(), ids=WITH_BODY.keys())
async def test_fact_33_a_body_beside_an_offer_of_h2c_is_kept(tmp_path: Path, segments: list[bytes]) -> None:
    async with running_proxy(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(*address(proxy))
        for segment in segments:
            writer.write(segment)
            await writer.drain()
            await asyncio.sleep(0.02 if len(segment) > 1 else 0)
        received = await asyncio.wait_for(reader.read(), 10)
        writer.close()
    assert statuses(received)[-2:] == [200, 200]
    assert [seen.body for seen in proxy.discord.seen] == [BODY, b""]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"SOURCE /users/1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"TRACE /users/1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"CONNECT /users/1 HTTP/1.1\r\nHost: a\r\n\r\n", 501),
        (b"OPTIONS /users/1 RTSP/1.0\r\nHost: a\r\n\r\n", 400),
        (b"POST /users/1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    ],
)
async def test_what_discord_does_not_speak_is_not_sent_on(tmp_path: Path, head: bytes, status: int) -> None:
    async with running_proxy(tmp_path) as proxy:
        received = await proxy.raw(head)
    assert statuses(received) == [status]
    assert not proxy.discord.seen


async def test_a_trailer_is_no_header(tmp_path: Path) -> None:
    chunked = b"POST /channels/5/messages HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    chunked += b"Transfer-Encoding: chunked\r\n\r\n"
    trailer = b"0\r\nX-Nescord-Secret: known\r\nAuthorization: Bot other\r\nX-Audit-Log-Reason: r\r\n\r\n"
    async with running_proxy(tmp_path, security=SecuritySettings(secret="known")) as proxy:
        reader, writer = await asyncio.open_connection(*address(proxy))
        writer.write(chunked)
        await asyncio.sleep(0.05)
        writer.write(b"2\r\n{}\r\n" + trailer)
        assert (await asyncio.wait_for(reader.read(), 10)).startswith(b"HTTP/1.1 401")
        writer.close()
        with_secret = chunked.replace(b"Host: a", b"Host: a\r\nX-Nescord-Secret: known")
        assert statuses(await proxy.raw(with_secret + b"2\r\n{}\r\n" + trailer)) == [200]
        (seen,) = proxy.discord.seen
        assert "X-Audit-Log-Reason" not in seen.headers
        assert seen.headers["Authorization"] == "Bot fake.token.for-tests"


@pytest.mark.parametrize("endless", [b"X-T: ", b"5;ext="], ids=["trailer", "chunk extension"])
async def test_framing_without_end_is_bounded(tmp_path: Path, endless: bytes) -> None:
    head = b"POST /channels/5/messages HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n"
    start = b"0\r\n" if endless.startswith(b"X") else b""
    async with running_proxy(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(*address(proxy))
        writer.write(head + start + endless)
        async with asyncio.timeout(10):  # the connection ends, whatever the caller goes on to send
            with contextlib.suppress(ConnectionError):
                while not reader.at_eof():
                    writer.write(b"a" * 8192)
                    await writer.drain()
                    await asyncio.sleep(0.001)
        writer.close()


async def test_a_head_is_as_long_as_it_is_however_it_is_cut(tmp_path: Path) -> None:
    head = b"GET /users/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n"
    head += b"".join(b"X-%d: %b\r\n" % (n, b"v" * 4000) for n in range(11)) + b"\r\n"
    async with running_proxy(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(*address(proxy))
        for at in range(0, len(head), 4000):
            writer.write(head[at : at + 4000])
            await writer.drain()
            await asyncio.sleep(0.01)
        assert statuses(await asyncio.wait_for(reader.read(), 10)) == [200]
        writer.close()


async def test_a_caller_that_half_closes_gets_its_answer(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        reader, writer = await asyncio.open_connection(*address(proxy))
        writer.write(HEAD % 1 + b"\r\n")
        writer.write_eof()
        assert serials(await asyncio.wait_for(reader.read(), 10)) == [1]
        writer.close()
