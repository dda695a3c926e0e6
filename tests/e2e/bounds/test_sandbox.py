"""Clients and pages that ask too much of a real sandbox."""

from __future__ import annotations

import asyncio
import json

import aiohttp
import pytest

from nescord_core.settings import SANDBOX_TOKEN
from support.network.strangers import say, statuses
from support.sandbox.raw_gateway import RawGateway
from support.system.system import System
from support.system.under_attack import watched


def post(system: System, body: bytes, kind: bytes = b"application/json") -> list[int]:
    head = b"POST /api/v10/channels/1/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    head += b"Authorization: Bot %b\r\nContent-Type: %b\r\n" % (SANDBOX_TOKEN.encode(), kind)
    return statuses(say(system.ports["sandbox"], head + b"Content-Length: %d\r\n\r\n" % len(body) + body))


@pytest.mark.bound("The sandbox: a request with its files", "The sandbox: JSON nested inside itself")
@pytest.mark.bound("The sandbox: headers of a part of a form")
def test_odd_bodies(system: System) -> None:
    form = b"multipart/form-data; boundary=b"
    part = b'--b\r\nContent-Disposition: form-data; name="payload_json"\r\n'
    with watched(system, "sandbox", most_mb=90):
        assert post(system, bytes(27_000_000)) == [413]
        assert post(system, b"[" * 100_000 + b"]" * 100_000) == [400]
        assert post(system, part + b"\r\n" + b"[" * 100_000 + b"\r\n--b--\r\n", form) == [400]
        assert post(system, part + b"X-N: " + b"v" * 10_000 + b"\r\n\r\n{}\r\n--b--\r\n", form) == [400]
        many = b"".join(b"X-%d: v\r\n" % number for number in range(200))
        assert post(system, part + many + b"\r\n{}\r\n--b--\r\n", form) == [400]


@pytest.mark.bound("The sandbox: a gateway command")
async def test_a_large_command(system: System) -> None:
    with watched(system, "sandbox", most_mb=20):
        async with RawGateway(f"ws://127.0.0.1:{system.ports['sandbox']}/gateway") as client:
            await client.receive()
            await client.send(3, {"status": "x" * 5000})
            assert await client.closed() == 4002


@pytest.mark.bound("The sandbox: events waiting for a page that does not read")
async def test_a_page_that_does_not_read(system: System) -> None:
    url = f"ws://127.0.0.1:{system.ports['sandbox']}/sandbox/events"
    content = "x" * 1900
    with watched(system, "sandbox", most_mb=60):
        async with aiohttp.ClientSession() as http, http.ws_connect(url) as page:
            assert page._response.connection is not None
            assert page._response.connection.transport is not None
            page._response.connection.transport.pause_reading()
            say_it = f"http://127.0.0.1:{system.ports['sandbox']}/sandbox/say"
            body = json.dumps(
                {"channel": "random", "user": "bob", "content": content, "guild": system.guilds()[0]}
            )
            for _ in range(3000):
                async with http.post(say_it, data=body) as answer:
                    assert answer.status == 200, await answer.text()
            page._response.connection.transport.resume_reading()
            async with asyncio.timeout(20):
                received = 0
                while (frame := await page.receive()).type is aiohttp.WSMsgType.TEXT:
                    received += frame.json()["t"] == "MESSAGE_CREATE"
            assert received < 3000
