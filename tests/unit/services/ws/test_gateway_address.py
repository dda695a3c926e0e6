from __future__ import annotations

import asyncio
import json
from pathlib import Path

from aiohttp import web

from integration.gateway.scripted import serving
from nescord_core.services.ws.gateway_address import GatewayAddress
from nescord_core.settings import WsSettings


async def test_the_address_is_asked_for_again_and_a_failure_is_not_the_end(tmp_path: Path) -> None:
    answers = [
        web.Response(status=500),
        web.Response(body=json.dumps({"url": "wss://other.discord.gg", "shards": 1})),
    ]
    asked: list[str] = []
    used: list[str] = []

    async def answer(request: web.Request) -> web.StreamResponse:
        asked.append(request.path)
        given = answers[min(len(asked) - 1, 1)]
        return web.Response(status=given.status, body=given.body)

    async with serving(answer) as url:
        settings = WsSettings(token="t", intents=0, api_url=f"{url}/api", state_dir=tmp_path)
        address = GatewayAddress(settings, used.append, interval=0.01)
        running = asyncio.create_task(address.run())
        try:
            async with asyncio.timeout(10):
                while not used:
                    address.ask()
                    await asyncio.sleep(0.005)
        finally:
            running.cancel()
    assert used[0] == "wss://other.discord.gg"
    assert len(asked) >= 2
