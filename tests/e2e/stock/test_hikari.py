"""A complete hikari bot, and hikari's REST client by itself, on the sandbox and through the proxy."""

from __future__ import annotations

import sys
from pathlib import Path

from support.stock.bot import running_client
from support.stock.comparison import Stage, on_both
from support.stock.story import tour

BOT = Path(__file__).with_name("hikari_bot.py")


async def test_a_hikari_bot_gets_the_same_conforming_answers_with_and_without_the_proxy(
    tmp_path: Path,
) -> None:
    await on_both(_play, tmp_path, least=90)


async def _play(stage: Stage) -> None:
    async with running_client(sys.executable, "-W", "ignore", str(BOT), stage.url, stage.token) as bot:
        assert await bot.line("ready") == "ready 2"
        await tour(stage, bot)
        await _interactions(stage)


async def _interactions(stage: Stage) -> None:
    post, here = stage.sandbox.post, {"channel": "general", "user": "alice", "wait": 10}
    before = await stage.say("now")
    await post("/interact", command="add", options={"one": 2, "two": 3}, **here)
    await stage.hear("= 5", after=before)
    await post("/interact", command="Shout", target=before, **here)
    await stage.hear("NOW", after=before)
    await stage.hear("and on", after=before)
    panel = await stage.say("!panel", "Panel")
    form = await post("/click", message=panel, custom_id="form", **here)
    await post("/modal", interaction=form["id"], user="alice", values={"name": "Ada"}, wait=10)
    await stage.hear("Hello Ada", after=panel)
    await post("/click", message=panel, custom_id="again", **here)
    await post("/react", channel="general", message=panel, user="alice", emoji="👍")
    await stage.hear("Reacted 👍", after=panel)
