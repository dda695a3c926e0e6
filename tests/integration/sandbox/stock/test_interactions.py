"""A stock discord.py bot responds to every interaction that people start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import discord
import pytest
import yarl

from nescord_core.sandbox.server import Sandbox
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SANDBOX_TOKEN, SandboxSettings
from support.network import loopback


class Form(discord.ui.Modal, title="Form"):
    name: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"hi {self.name.value}", ephemeral=True)


class Choices(discord.ui.View):
    @discord.ui.button(label="Open")
    async def go(self, interaction: discord.Interaction, _button: discord.ui.Button[Choices]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(cls=discord.ui.UserSelect)
    async def who(self, interaction: discord.Interaction, menu: discord.ui.UserSelect[Choices]) -> None:
        await interaction.response.edit_message(content=f"chose {menu.values[0].name}")


def make_bot() -> tuple[discord.Client, asyncio.Event]:
    bot, ready = discord.Client(intents=discord.Intents.all()), asyncio.Event()
    tree = discord.app_commands.CommandTree(bot)

    @tree.command(name="ask", description="Ask somebody")
    async def ask(interaction: discord.Interaction, who: discord.Member, what: str) -> None:
        await interaction.response.defer()
        await interaction.followup.send(f"{who.name}: {what}", view=Choices())

    @ask.autocomplete("what")
    async def complete(_: discord.Interaction, current: str) -> list[discord.app_commands.Choice[str]]:
        return [discord.app_commands.Choice(name=f"{current}!", value=f"{current}!")]

    @bot.event
    async def on_ready() -> None:
        await tree.sync()
        ready.set()

    return bot, ready


@pytest.fixture
async def world(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[World]:
    loopback.install()
    sandbox = Sandbox(SandboxSettings(port=0, identify_window=0.1))
    async with sandbox.running() as address:
        # Class attributes of a stock client, which has no other way to be told where Discord is.
        gateway = yarl.URL(f"ws://{address}/gateway")
        monkeypatch.setattr(discord.http.Route, "BASE", f"http://{address}/api/v10")
        monkeypatch.setattr(discord.gateway.DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        bot, ready = make_bot()
        async with bot, asyncio.TaskGroup() as tasks:
            tasks.create_task(bot.start(SANDBOX_TOKEN))
            await asyncio.wait_for(ready.wait(), 30)
            yield sandbox.world
            await bot.close()


async def answered(world: World, started: dict[str, Any]) -> dict[str, Any]:
    """Wait for the bot's final response, and return the interaction."""
    async with asyncio.timeout(20):
        while True:
            state = world.interaction(started["id"])
            if state["responded"] and not state["deferred"]:
                return state
            await asyncio.sleep(0.02)


async def test_everything_a_person_can_start(world: World) -> None:
    typed = world.autocomplete("general", "alice", "ask", "what", "pizza", {"who": "bob"})
    assert (await answered(world, typed))["choices"] == [{"name": "pizza!", "value": "pizza!"}]
    asked = world.interact("general", "alice", "/ask", {"who": "bob", "what": "pizza!"})
    message = (await answered(world, asked))["message"]
    assert message["content"] == "bob: pizza!"
    clicked = world.click("general", message["id"], "alice", label="Open")
    assert (await answered(world, clicked))["modal"]["title"] == "Form"
    filled = world.submit_modal(clicked["id"], "alice", {"name": "Al"})
    told = await answered(world, filled)
    assert (told["message"]["content"], told["ephemeral"]) == ("hi Al", True)
    chosen = world.select("general", message["id"], "alice", ["bob"])
    assert (await answered(world, chosen))["kind"] == "update"
    assert world.messages("general", limit=2)[0]["content"] == "chose bob"
