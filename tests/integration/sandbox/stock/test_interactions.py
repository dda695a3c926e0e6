"""A stock discord.py bot responds to every interaction that people start."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import discord
import pytest
import yarl

from nescord_core.errors import NescordError
from nescord_core.sandbox.server import Sandbox
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SANDBOX_TOKEN, SandboxSettings
from nescord_core.testing import RunningBot
from support.network import loopback
from support.sandbox.running_rest import PNG


class Form(discord.ui.Modal, title="Form"):
    name: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"hi {self.name.value}", ephemeral=True)


class Upload(discord.ui.Modal, title="Upload"):
    shots: discord.ui.Label[Upload] = discord.ui.Label(
        text="Shots", component=discord.ui.FileUpload(custom_id="shots", min_values=2, max_values=3)
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.shots.component, discord.ui.FileUpload)
        texts = [f"{each.filename} {await each.read()!r}" for each in self.shots.component.values]
        await interaction.response.send_message(", ".join(texts))


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

    @tree.command(name="keep", description="Keep a file")
    async def keep(interaction: discord.Interaction, file: discord.Attachment, again: bool = False) -> None:
        if again:
            await interaction.response.send_modal(Upload())
            return
        size = f"{file.width}x{file.height}"
        content = f"{file.filename} {file.content_type} {size} {len(await file.read())}"
        await interaction.response.send_message(content)

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


async def test_files_for_commands_and_forms(world: World, tmp_path: Path) -> None:
    """Driven as a bot's own tests do it, with `nescord_core.testing`."""
    (tmp_path / "log").touch()
    person = RunningBot(world.public_url, tmp_path, 20.0)
    kept = await asyncio.to_thread(person.command, "keep", file=("a.png", PNG))
    assert kept["message"]["content"] == f"a.png image/png 1x1 {len(PNG)}"
    form = await asyncio.to_thread(person.command, "keep", file=("a.txt", b"1"), again=True)
    with pytest.raises(NescordError, match=r"'shots' takes 2 to 3 values, not 1"):
        await asyncio.to_thread(person.submit, form, shots=[("a.txt", b"1")])
    sent = await asyncio.to_thread(person.submit, form, shots=[("a.txt", b"1"), ("b.txt", b"2")])
    assert sent["message"]["content"] == "a.txt b'1', b.txt b'2'"
    await asyncio.to_thread(person.say, "look", files=[("c.txt", b"3")])
    assert world.messages("general")[-1]["attachments"][0]["filename"] == "c.txt"
    with pytest.raises(TypeError, match="cannot be sent"):
        await asyncio.to_thread(person.command, "keep", file=Path("a.txt"))
