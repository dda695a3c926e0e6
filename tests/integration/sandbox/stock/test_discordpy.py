"""A stock discord.py against the sandbox: it must notice no difference to Discord."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.running_sandbox import RunningSandbox, running_sandbox

BOT = Path(__file__).with_name("discordpy_bot.py")


class StockBot:
    """The process; ``line`` returns the next of its lines that begins with a word."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def line(self, word: str) -> str:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(30):
                while raw := await self._process.stdout.readline():
                    self.lines.append(raw.decode().rstrip())
                    if self.lines[-1].startswith(word):
                        return self.lines[-1]
        except TimeoutError:
            pass
        raise AssertionError("\n".join(["the bot did not say it, but:", *self.lines[-40:]]))


@asynccontextmanager
async def stock_bot(sandbox: RunningSandbox) -> AsyncIterator[StockBot]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", str(BOT), f"{sandbox.url}/api/v10", TOKEN),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield StockBot(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_discordpy_hears_answers_syncs_commands_and_resumes() -> None:
    async with running_sandbox(guilds=3, shards=2) as sandbox, stock_bot(sandbox) as bot:
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
    async with running_sandbox() as sandbox, stock_bot(sandbox) as bot:
        await bot.line("ready")
        said = await sandbox.post("/dm", user="bob", content="!ping")
        await sandbox.post(
            "/wait", channel=said["channel_id"], author="bot", content="Pong!", after=said["id"], timeout=10
        )
