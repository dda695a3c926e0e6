"""discord.py's own HTTP client behind the proxy: its limiter must not wait in addition to the proxy's."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from discord.http import HTTPClient, Route

from support.rest.fake_discord import TOKEN, FakeDiscord, Limit, json_status
from support.rest.running_proxy import running_proxy


async def test_discord_py_neither_waits_needlessly_nor_causes_a_429(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeDiscord(limits={"POST /channels/:id/messages": [Limit(5, 0.5, "leaky")]})
    async with running_proxy(tmp_path, fake) as proxy:
        monkeypatch.setattr(Route, "BASE", f"http://{proxy.address}/api/v10")
        client = HTTPClient(asyncio.get_running_loop())
        try:
            await client.static_login(TOKEN)
            started = time.monotonic()
            route = Route("POST", "/channels/{channel_id}/messages", channel_id=1)
            await asyncio.gather(*(client.request(route, json={"n": number}) for number in range(15)))
            assert time.monotonic() - started < 8.0, "one second is what the bucket takes"
            assert fake.limited == 0
            posts = [json.loads(seen.body)["n"] for seen in fake.seen if seen.method == "POST"]
            assert posts == list(range(15))
        finally:
            await client.close()


async def test_discord_py_waits_for_a_429_of_the_proxys_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = FakeDiscord()
    async with running_proxy(tmp_path, fake) as proxy:
        monkeypatch.setattr(Route, "BASE", f"http://{proxy.address}/api/v10")
        client = HTTPClient(asyncio.get_running_loop())
        try:
            await client.static_login(TOKEN)
            fake.fail(json_status(429, {"message": "banned"}, Retry_After="1"))
            assert (await proxy.call("POST", "/channels/2/messages", json={})).status == 429
            answer = await client.request(Route("GET", "/voice/regions"))
            assert answer["path"] == "/voice/regions"
        finally:
            await client.close()
