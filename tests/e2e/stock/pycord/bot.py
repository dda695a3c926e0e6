"""A stock py-cord bot. Run as: bot.py BASE_URL TOKEN. Only the base URL is changed."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import discord

sys.path.append(str(Path(__file__).parents[1]))
from forks import Words

discord.http.Route.API_BASE_URL = f"{sys.argv[1]}/api/v{{API_VERSION}}"
bot = discord.AutoShardedBot(intents=discord.Intents.all())


class Form(discord.ui.Modal):
    def __init__(self) -> None:
        super().__init__(title="Form", custom_id="asked", timeout=None)
        self.add_item(discord.ui.InputText(label="Name", custom_id="name"))

    async def callback(self, inter: discord.Interaction) -> None:
        await inter.response.send_message(f"Hello {self.children[0].value}")


class Panel(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="edit", custom_id="edit")
    async def edit(self, _button: Any, inter: discord.Interaction) -> None:
        await inter.response.edit_message(content="Clicked")

    @discord.ui.button(label="form", custom_id="form")
    async def form(self, _button: Any, inter: discord.Interaction) -> None:
        await inter.response.send_modal(Form())

    @discord.ui.string_select(
        custom_id="colour", options=[discord.SelectOption(label=each) for each in ("Red", "Blue")]
    )
    async def colour(self, select: Any, inter: discord.Interaction) -> None:
        await inter.response.send_message(f"Chose {select.values[0]}")


class Layout(discord.ui.DesignerView):
    def __init__(self) -> None:
        button = discord.ui.Button(label="edit", custom_id="layout-edit")
        button.callback = self.edit
        text = discord.ui.TextDisplay("## Layout")
        super().__init__(discord.ui.Container(text, discord.ui.ActionRow(button)), timeout=None)

    async def edit(self, inter: discord.Interaction) -> None:
        await inter.response.defer()


class PycordWords(Words):
    async def poll(self, message: discord.Message) -> None:
        answers = [discord.PollAnswer(each) for each in ("this", "that")]
        await message.channel.send(poll=discord.Poll("Which?", answers=answers, duration=1))

    async def layout(self, message: discord.Message) -> None:
        await message.channel.send(view=Layout())

    async def scheduled_event(self, guild: discord.Guild) -> None:
        start = discord.utils.utcnow() + datetime.timedelta(hours=1)
        end = start + datetime.timedelta(hours=1)
        event = await guild.create_scheduled_event(
            name="party", start_time=start, end_time=end, location="here"
        )
        await event.delete()


words = PycordWords(discord, bot, lambda: {"view": Panel()})
for name in dir(words):
    if name.startswith("on_"):
        bot.add_listener(getattr(words, name), name)


@bot.event
async def on_ready() -> None:
    bot.add_view(Panel())
    print("ready", flush=True)


@bot.slash_command(description="Add numbers")
@discord.option("one", int)
@discord.option("two", int)
async def add(ctx: discord.ApplicationContext, one: int, two: int) -> None:
    await ctx.respond(f"{one + two}", ephemeral=True)


@bot.slash_command(description="Take time")
async def slow(ctx: discord.ApplicationContext) -> None:
    await ctx.defer()
    await ctx.edit(content="Done")
    sent = await ctx.followup.send("Followed", wait=True)
    await ctx.followup.send(f"Follow-up has {'an' if sent.id else 'no'} id")


async def fruits(ctx: discord.AutocompleteContext) -> list[str]:
    return [each for each in ("apple", "pear", "apricot") if each.startswith(ctx.value)]


@bot.slash_command(description="Find a fruit")
@discord.option("name", str, autocomplete=fruits)
async def fruit(ctx: discord.ApplicationContext, name: str) -> None:
    await ctx.respond(f"{name}!")


greet = bot.create_group("greet", "Greet")


@greet.command(description="Greet a user")
@discord.option("who", discord.Member)
async def user(ctx: discord.ApplicationContext, who: discord.Member) -> None:
    await ctx.respond(f"Hello {who.name}")


@bot.slash_command(description="Read a file")
@discord.option("file", discord.Attachment)
async def upload(ctx: discord.ApplicationContext, file: discord.Attachment) -> None:
    await ctx.respond(f"{file.filename} {len(await file.read())}")


@bot.user_command(name="Who")
async def who(ctx: discord.ApplicationContext, member: discord.Member) -> None:
    await ctx.respond(f"It is {member.name}")


@bot.message_command(name="Shout")
async def shout(ctx: discord.ApplicationContext, message: discord.Message) -> None:
    await ctx.respond(message.content.upper())


bot.run(sys.argv[2])
