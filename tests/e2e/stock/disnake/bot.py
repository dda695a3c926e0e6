"""A stock disnake bot. Run as: bot.py BASE_URL TOKEN. Only the base URL is changed."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import disnake
from disnake.ext import commands

sys.path.append(str(Path(__file__).parents[1]))
from forks import Words

disnake.http.Route.BASE = f"{sys.argv[1]}/api/v10"
bot = commands.AutoShardedInteractionBot(intents=disnake.Intents.all())


def panel() -> dict[str, Any]:
    buttons = [disnake.ui.Button(label=each, custom_id=each) for each in ("edit", "form")]
    colours = disnake.ui.StringSelect(custom_id="colour", options=["Red", "Blue"])
    return {"components": [disnake.ui.ActionRow(*buttons), disnake.ui.ActionRow(colours)]}


class DisnakeWords(Words):
    async def poll(self, message: disnake.Message) -> None:
        poll = disnake.Poll("Which?", answers=["this", "that"], duration=datetime.timedelta(hours=1))
        await message.channel.send(poll=poll)

    async def layout(self, message: disnake.Message) -> None:
        row = disnake.ui.ActionRow(disnake.ui.Button(label="edit", custom_id="edit"))
        await message.channel.send(
            components=[disnake.ui.Container(disnake.ui.TextDisplay("## Layout"), row)]
        )


words = DisnakeWords(disnake, bot, panel)
for name in dir(words):
    if name.startswith("on_"):
        bot.add_listener(getattr(words, name), name)


@bot.event
async def on_ready() -> None:
    print("ready", flush=True)


@bot.listen()
async def on_button_click(inter: disnake.MessageInteraction) -> None:
    if inter.component.custom_id == "form":
        name = disnake.ui.TextInput(label="Name", custom_id="name")
        await inter.response.send_modal(title="Form", custom_id="asked", components=[name])
    elif inter.message.content:
        await inter.response.edit_message(content="Clicked")
    else:
        await inter.response.defer()


@bot.listen()
async def on_dropdown(inter: disnake.MessageInteraction) -> None:
    await inter.response.send_message(f"Chose {inter.values[0]}")


@bot.listen()
async def on_modal_submit(inter: disnake.ModalInteraction) -> None:
    await inter.response.send_message(f"Hello {inter.text_values['name']}")


@bot.slash_command(description="Add numbers")
async def add(inter: disnake.ApplicationCommandInteraction, one: int, two: int) -> None:
    await inter.response.send_message(f"{one + two}", ephemeral=True)


@bot.slash_command(description="Take time")
async def slow(inter: disnake.ApplicationCommandInteraction) -> None:
    await inter.response.defer()
    await inter.edit_original_response("Done")
    sent = await inter.followup.send("Followed", wait=True)
    await inter.followup.send(f"Follow-up has {'an' if sent.id else 'no'} id")


@bot.slash_command(description="Find a fruit")
async def fruit(inter: disnake.ApplicationCommandInteraction, name: str) -> None:
    await inter.response.send_message(f"{name}!")


@fruit.autocomplete("name")
async def fruits(_inter: disnake.ApplicationCommandInteraction, given: str) -> list[str]:
    return [each for each in ("apple", "pear", "apricot") if each.startswith(given)]


@bot.slash_command(description="Greet")
async def greet(_inter: disnake.ApplicationCommandInteraction) -> None:
    pass


@greet.sub_command(description="Greet a user")
async def user(inter: disnake.ApplicationCommandInteraction, who: disnake.Member) -> None:
    await inter.response.send_message(f"Hello {who.name}")


@bot.slash_command(description="Read a file")
async def upload(inter: disnake.ApplicationCommandInteraction, file: disnake.Attachment) -> None:
    await inter.response.send_message(f"{file.filename} {len(await file.read())}")


@bot.user_command(name="Who")
async def who(inter: disnake.UserCommandInteraction) -> None:
    await inter.response.send_message(f"It is {inter.target.name}")


@bot.message_command(name="Shout")
async def shout(inter: disnake.MessageCommandInteraction) -> None:
    await inter.response.send_message(inter.target.content.upper())


bot.run(sys.argv[2])
