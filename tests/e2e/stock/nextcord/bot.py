"""A stock nextcord bot. Run as: bot.py BASE_URL TOKEN. Only the base URL is changed."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import nextcord
from nextcord.ext import commands

sys.path.append(str(Path(__file__).parents[1]))
from forks import Words

nextcord.http.Route.BASE = f"{sys.argv[1]}/api/v10"
bot = commands.AutoShardedBot(intents=nextcord.Intents.all())


class Form(nextcord.ui.Modal):
    def __init__(self) -> None:
        super().__init__("Form", custom_id="asked", timeout=None)
        self.name = nextcord.ui.TextInput(label="Name", custom_id="name")
        self.add_item(self.name)

    async def callback(self, inter: nextcord.Interaction) -> None:
        await inter.response.send_message(f"Hello {self.name.value}")


class Panel(nextcord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @nextcord.ui.button(label="edit", custom_id="edit")
    async def edit(self, _button: Any, inter: nextcord.Interaction) -> None:
        await inter.response.edit_message(content="Clicked")

    @nextcord.ui.button(label="form", custom_id="form")
    async def form(self, _button: Any, inter: nextcord.Interaction) -> None:
        await inter.response.send_modal(Form())

    @nextcord.ui.string_select(
        custom_id="colour", options=[nextcord.SelectOption(label=each) for each in ("Red", "Blue")]
    )
    async def colour(self, select: Any, inter: nextcord.Interaction) -> None:
        await inter.response.send_message(f"Chose {select.values[0]}")


class NextcordWords(Words):
    async def scheduled_event(self, guild: nextcord.Guild) -> None:
        start = nextcord.utils.utcnow() + datetime.timedelta(hours=1)
        event = await guild.create_scheduled_event(
            name="party",
            start_time=start,
            end_time=start + datetime.timedelta(hours=1),
            entity_type=nextcord.ScheduledEventEntityType.external,
            metadata=nextcord.EntityMetadata(location="here"),
        )
        await event.delete()


words = NextcordWords(nextcord, bot, lambda: {"view": Panel()})
for name in dir(words):
    if name.startswith("on_"):
        bot.add_listener(getattr(words, name), name)


@bot.event
async def on_ready() -> None:
    bot.add_view(Panel())
    await bot.sync_all_application_commands()
    print("ready", flush=True)


@bot.slash_command(description="Add numbers")
async def add(inter: nextcord.Interaction, one: int, two: int) -> None:
    await inter.response.send_message(f"{one + two}", ephemeral=True)


@bot.slash_command(description="Take time")
async def slow(inter: nextcord.Interaction) -> None:
    await inter.response.defer()
    await inter.edit_original_message(content="Done")
    sent = await inter.followup.send("Followed", wait=True)
    await inter.followup.send(f"Follow-up has {'an' if sent.id else 'no'} id")


@bot.slash_command(description="Find a fruit")
async def fruit(inter: nextcord.Interaction, name: str) -> None:
    await inter.response.send_message(f"{name}!")


@fruit.on_autocomplete("name")
async def fruits(inter: nextcord.Interaction, given: str) -> None:
    await inter.response.send_autocomplete(
        [each for each in ("apple", "pear", "apricot") if each.startswith(given)]
    )


@bot.slash_command(description="Greet")
async def greet(_inter: nextcord.Interaction) -> None:
    pass


@greet.subcommand(description="Greet a user")
async def user(inter: nextcord.Interaction, who: nextcord.Member) -> None:
    await inter.response.send_message(f"Hello {who.name}")


@bot.slash_command(description="Read a file")
async def upload(inter: nextcord.Interaction, file: nextcord.Attachment) -> None:
    await inter.response.send_message(f"{file.filename} {len(await file.read())}")


@bot.user_command(name="Who")
async def who(inter: nextcord.Interaction, member: nextcord.Member) -> None:
    await inter.response.send_message(f"It is {member.name}")


@bot.message_command(name="Shout")
async def shout(inter: nextcord.Interaction, message: nextcord.Message) -> None:
    await inter.response.send_message(message.content.upper())


bot.run(sys.argv[2])
