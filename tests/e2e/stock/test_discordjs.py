"""A complete discord.js bot on the sandbox and through the proxy, and @discordjs/rest by itself."""

from __future__ import annotations

from pathlib import Path

from support.stock.bot import running_client
from support.stock.comparison import Stage, on_both
from support.stock.node import NODE
from support.stock.story import gateway, interactions, tour

BOT = Path(__file__).with_name("discordjs") / "bot.cjs"
REST = Path(__file__).with_name("discordjs") / "rest.cjs"


async def test_a_discordjs_bot_gets_the_same_conforming_answers_with_and_without_the_proxy(
    tmp_path: Path, node_environment: dict[str, str]
) -> None:
    async def play(stage: Stage) -> None:
        await _play(stage, node_environment)

    await on_both(play, tmp_path, least=140)


async def _play(stage: Stage, environment: dict[str, str]) -> None:
    async with running_client(str(NODE), str(BOT), stage.url, stage.token, environment=environment) as bot:
        assert await bot.line("ready") == "ready 2 2"
        await stage.say("!ping", "Pong!")
        await tour(stage, bot)
        await interactions(stage)
        await gateway(stage)


async def test_discordjs_rest_alone_gets_the_same_conforming_answers_with_and_without_the_proxy(
    tmp_path: Path, node_environment: dict[str, str]
) -> None:
    async def play(stage: Stage) -> None:
        command = (str(NODE), str(REST), stage.url, stage.token)
        async with running_client(*command, environment=node_environment) as client:
            await client.line("done")

    await on_both(play, tmp_path, least=60)
