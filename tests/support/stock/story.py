"""The user's part of the scenarios with the discord.py and discord.js bots, which have the same commands."""

from __future__ import annotations

from support.stock.bot import StockBot
from support.stock.comparison import Stage


async def tour(stage: Stage, bot: StockBot) -> None:
    """Make the bot go through the API."""
    said = await stage.say("!tour")
    ended = await stage.sandbox.post(
        "/wait", channel="general", regex="^(toured|failed: .*)$", after=said, timeout=60
    )
    assert ended["content"] == "toured", await bot.rest()


async def interactions(stage: Stage) -> None:
    """Use the bot's commands, buttons, menus and forms."""
    post, here = stage.sandbox.post, {"channel": "general", "user": "alice", "wait": 10}
    added = await post("/interact", command="add", options={"one": 2, "two": 3}, **here)
    assert added["message"]["content"] in ("5", "= 5")
    found = await post("/autocomplete", command="fruit", option="name", value="ap", **here)
    assert [each["value"] for each in found["choices"]] == ["apple", "apricot"]
    before = await stage.say("now")
    await post("/interact", command="fruit", options={"name": "pear"}, **here)
    await stage.hear("pear!", after=before)
    shouted = await post("/interact", command="Shout", target=before, **here)
    assert shouted["message"]["content"] == "NOW"
    panel = await stage.say("!panel", "Panel")
    chosen = await post("/select", message=panel, values=["Blue"], **here)
    assert chosen["message"] is not None, chosen
    assert chosen["message"]["content"] == "Chose Blue"
    form = await post("/click", message=panel, custom_id="form", **here)
    await post("/modal", interaction=form["id"], user="alice", values={"name": "Ada"}, wait=10)
    await stage.hear("Hello Ada", after=panel)
    await post("/click", message=panel, custom_id="again", **here)
    await stage.hear("Followed", after=panel)


async def gateway(stage: Stage) -> None:
    """Check what the gateway transports: a reaction, a presence, members in chunks."""
    target = await stage.say("!panel", "Panel")
    await stage.sandbox.post("/react", channel="general", message=target, user="alice", emoji="👍")
    await stage.hear("Reacted 👍", after=target)
    await stage.say("!members", "alice of 3")
    sessions = (await stage.sandbox.get("/gateway"))["sessions"]
    assert {each["presence"]["status"] for each in sessions} == {"idle"}
