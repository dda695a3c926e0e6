"""rest and ws behind an outgoing HTTP proxy: CONNECT, credentials, refusals."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
from aiohttp import web

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening, serving
from nescord_core.gateway.gateway_info import fetch_gateway_info_once
from nescord_core.process.outgoing_proxies import Proxies
from support.rest.fake_discord import FakeDiscord, fake_discord
from support.rest.running_proxy import running_proxy

CREDENTIALS = base64.b64encode(b"user:p w").decode()


class ConnectProxy:
    """An HTTP proxy that tunnels to one address, whatever it is asked for, if the credentials fit."""

    def __init__(self, target: str) -> None:
        self.target = target
        self.asked: list[str] = []
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        self.asked.append(head.split("\r\n")[0])
        if f"Basic {CREDENTIALS}" not in head:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
            writer.close()
            return
        host, _, port = self.target.rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        if head.startswith("CONNECT "):
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:  # aiohttp asks for http:// URLs by their whole address
            back.write(head.encode())
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._pass(reader, back))
            tasks.create_task(self._pass(there, writer))

    @staticmethod
    async def _pass(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
        try:
            while data := await source.read(65536):
                sink.write(data)
                await sink.drain()
        except ConnectionError:
            pass
        finally:
            sink.close()


@asynccontextmanager
async def connect_proxy(target: str) -> AsyncIterator[ConnectProxy]:
    proxy = ConnectProxy(target)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.url = f"http://user:p%20w@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield proxy
    finally:
        server.close()


async def test_rest_reaches_discord_through_the_proxy_with_its_credentials(tmp_path: Path) -> None:
    fake = FakeDiscord()
    async with fake_discord(fake) as discord:
        authority = discord.url.split("/")[2]
        async with connect_proxy(authority) as proxy:
            proxies = Proxies(configured=proxy.url)
            async with running_proxy(
                tmp_path, api_url="http://discord.invalid:1234/api/v10", proxies=proxies
            ) as rest:
                assert [(await rest.call("GET", f"/users/{n}")).status for n in range(3)] == [200] * 3
    assert proxy.asked == ["CONNECT discord.invalid:1234 HTTP/1.1"]


async def test_a_proxy_that_refuses_is_named_and_not_its_password(tmp_path: Path) -> None:
    async with connect_proxy("127.0.0.1:9") as proxy:
        proxies = Proxies(configured=proxy.url.replace("p%20w", "wrong-secret"))
        async with running_proxy(tmp_path, api_url="http://discord.invalid/api", proxies=proxies) as rest:
            answer = await rest.call("GET", "/users/1")
    assert answer.status == 502
    assert b"outgoing proxy" in answer.body
    assert b"wrong-secret" not in answer.body


async def test_ws_reaches_the_gateway_and_its_address_through_the_proxy() -> None:
    async def script(peer: Peer) -> None:
        await peer.hello()
        await peer.expect(2)
        await peer.ready()
        await peer.until_gone()

    async with listening(script) as gateway, connect_proxy(gateway.url.removeprefix("ws://")) as proxy:
        proxies = Proxies(by_scheme={"ws": proxy.url})
        async with running("ws://gateway.invalid:80", proxies=proxies) as run:
            await run.seen("READY")
    assert proxy.asked[0].startswith("CONNECT gateway.invalid:80 ")


async def test_the_gateways_address_is_asked_for_through_the_proxy() -> None:
    answer = {"url": "wss://gateway.discord.gg", "shards": 3}

    async def gateway_bot(_request: web.Request) -> web.StreamResponse:
        return web.json_response(answer)

    async with (
        serving(gateway_bot) as url,
        connect_proxy(url.removeprefix("http://")) as proxy,
        aiohttp.ClientSession() as http,
    ):
        info = await fetch_gateway_info_once(http, "http://discord.invalid/api/v10", "t", proxy=proxy.url)
    assert info.shards == 3
    assert proxy.asked == ["GET http://discord.invalid/api/v10/gateway/bot HTTP/1.1"]
