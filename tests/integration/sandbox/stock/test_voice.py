"""Stock discord.py joins and plays, with the lines of docs/sandbox/discord.md."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import discord
import pytest
import yarl

from nescord_core.sandbox.server import Sandbox
from nescord_core.settings import SANDBOX_TOKEN, SandboxSettings
from support.network import loopback

pytest.importorskip("nacl")
pytest.importorskip("davey")


class Silence(discord.AudioSource):
    def __init__(self) -> None:
        self.left = 10

    def read(self) -> bytes:
        self.left -= 1
        return b"\xf8\xff\xfe" if self.left >= 0 else b""

    def is_opus(self) -> bool:
        return True


async def test_a_stock_client_plays(monkeypatch: pytest.MonkeyPatch) -> None:
    loopback.install()
    sandbox = Sandbox(SandboxSettings(port=0, identify_window=0.1))
    async with sandbox.running() as address:
        # Class attributes of a stock client, which has no other way to be told where Discord is.
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://{address}/api/v10")
        gateway = yarl.URL(f"ws://{address}/gateway")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        client = discord.Client(intents=discord.Intents.default())
        open_websocket = client.http.ws_connect

        async def without_tls(url: str, *, compress: int = 0) -> Any:
            plain = url.replace("wss://127.0.0.1:", "ws://127.0.0.1:")
            return await open_websocket(plain, compress=compress)

        client.http.ws_connect = without_tls  # type: ignore[method-assign]
        async with asyncio.TaskGroup() as tasks, client:
            tasks.create_task(client.start(SANDBOX_TOKEN))
            async with asyncio.timeout(30):
                await until(client.is_ready)
                voice: discord.VoiceClient = await client.guilds[0].voice_channels[0].connect(timeout=20)
                over: asyncio.Future[Exception | None] = asyncio.get_running_loop().create_future()
                voice.play(
                    Silence(), after=lambda error: client.loop.call_soon_threadsafe(over.set_result, error)
                )
                assert await over is None
                [call] = sandbox.voice.calls.by_guild.values()
                await until(lambda: call.packets == 15)
                await voice.disconnect()
                assert sandbox.voice.calls.by_guild == {}


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - nothing tells of it
        await asyncio.sleep(0.02)
