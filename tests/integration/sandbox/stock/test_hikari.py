"""A stock hikari against the sandbox: another library's reading of the same protocol."""

from __future__ import annotations

from pathlib import Path

from support.sandbox.running import running_sandbox
from support.stock.bot import stock_bot

BOT = Path(__file__).with_name("hikari_bot.py")


async def test_hikari_hears_answers_and_resumes() -> None:
    async with running_sandbox(guilds=2, shards=2) as sandbox, stock_bot(BOT, sandbox) as bot:
        await bot.line("ready")
        await bot.line("ready")
        said = await sandbox.post("/say", channel="general", user="alice", content="!ping")
        wanted = {"channel": said["channel_id"], "author": "bot", "content": "Pong!", "timeout": 10}
        pong = await sandbox.post("/wait", after=said["id"], **wanted)
        assert pong["message_reference"]["message_id"] == said["id"]
        await sandbox.post("/fault", connections={"do": "reconnect", "shard": 0})
        assert await bot.line("resumed") == "resumed 0"
        said = await sandbox.post("/say", channel="general", user="alice", content="!ping")
        await sandbox.post("/wait", after=said["id"], **wanted)
        assert (await sandbox.get("/gateway"))["totals"]["identifies"] == 2
