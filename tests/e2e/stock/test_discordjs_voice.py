"""A stock @discordjs/voice joins, plays, and is thrown out, with the lines of docs/sandbox/discord.md."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.sandbox.running import RunningSandbox, running_sandbox
from support.stock.bot import running_client
from support.stock.node import NODE, guarded, installed

PROJECT = Path(__file__).with_name("discordjsvoice")
GUARD = Path(__file__).with_name("discordjs") / "loopback.cjs"


async def until_call(sandbox: RunningSandbox, **least: Any) -> dict[str, Any]:
    async with asyncio.timeout(20):
        while True:
            [call] = (await sandbox.get("/voice"))["calls"]
            if all(call[name] >= value for name, value in least.items()):
                return dict(call)
            await asyncio.sleep(0.05)


async def test_discordjs_plays_and_is_thrown_out() -> None:
    environment = {**guarded(GUARD), "NODE_PATH": str(installed(PROJECT))}
    async with (
        running_sandbox() as sandbox,
        running_client(
            str(NODE), str(PROJECT / "bot.cjs"), sandbox.url, sandbox.token, environment=environment
        ) as bot,
    ):
        await bot.line("connected")
        await bot.line("played")
        call = await until_call(sandbox, packets=50)
        assert call["connected"] is True
        assert call["mode"] in ("aead_aes256_gcm_rtpsize", "aead_xchacha20_poly1305_rtpsize")
        state = await sandbox.get("/state")
        await sandbox.post("/voice", user=state["bot"]["id"], channel=None)
        await bot.line("disconnected")
        assert (await sandbox.get("/voice"))["calls"] == []
