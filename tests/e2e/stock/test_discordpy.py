"""A complete discord.py bot on the sandbox and through the proxy, which it cannot tell from Discord."""

from __future__ import annotations

import sys
from pathlib import Path

from support.stock.bot import running_client
from support.stock.comparison import Stage, on_both
from support.stock.story import gateway, interactions, tour

BOT = Path(__file__).with_name("discordpy_bot.py")


async def test_a_discordpy_bot_gets_the_same_conforming_answers_with_and_without_the_proxy(
    tmp_path: Path,
) -> None:
    await on_both(_play, tmp_path, least=140)


async def _play(stage: Stage) -> None:
    async with running_client(sys.executable, "-W", "ignore", str(BOT), stage.url, stage.token) as bot:
        assert await bot.line("ready") == "ready 2"
        await tour(stage, bot)
        await interactions(stage)
        await gateway(stage)
