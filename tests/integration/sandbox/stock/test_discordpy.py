"""A stock discord.py against the sandbox: it must notice no difference to Discord."""

from __future__ import annotations

from pathlib import Path

from support.sandbox.running import running_sandbox
from support.stock.bot import stock_bot

BOT = Path(__file__).with_name("discordpy_bot.py")


async def test_discordpy_hears_answers_syncs_commands_and_resumes() -> None:
    async with running_sandbox(guilds=3, shards=2) as sandbox, stock_bot(BOT, sandbox) as bot:
        ready = (await bot.line("ready")).split()
        assert ready[1] == "3"
        assert ready.count("alice") == 3, "members came in chunks for every guild"

        said = await sandbox.post("/say", channel="general", user="alice", content="!ping")
        wanted = {"channel": said["channel_id"], "author": "bot", "timeout": 10}
        pong = await sandbox.post("/wait", content="Pong!", after=said["id"], **wanted)

        here = {"channel": said["channel_id"], "user": "alice"}
        clicked = await sandbox.post("/click", message=pong["id"], custom_id="again", wait=10, **here)
        assert clicked["message"]["content"] == "Once more!"
        added = await sandbox.post("/interact", command="add", options={"one": 2, "two": 3}, wait=10, **here)
        assert added["message"]["content"] == "5"

        said = await sandbox.post("/say", content="!members", **here)
        await sandbox.post("/wait", content="alice", after=said["id"], **wanted)

        await sandbox.post("/fault", connections={"do": "close", "code": 4000, "shard": 0})
        assert await bot.line("resumed") == "resumed 0"
        said = await sandbox.post("/say", content="!ping", **here)
        await sandbox.post("/wait", content="Pong!", after=said["id"], **wanted)
        totals = (await sandbox.get("/gateway"))["totals"]
        assert (totals["identifies"], totals["resumes"]) == (2, 1)


async def test_discordpy_hears_a_direct_message() -> None:
    async with running_sandbox() as sandbox, stock_bot(BOT, sandbox) as bot:
        await bot.line("ready")
        said = await sandbox.post("/dm", user="bob", content="!ping")
        await sandbox.post(
            "/wait", channel=said["channel_id"], author="bot", content="Pong!", after=said["id"], timeout=10
        )
