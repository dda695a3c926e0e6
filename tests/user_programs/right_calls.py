"""Calls of Discord's API with views, dictionaries and objects of discord.py."""

import discord

from nescord_core import RestClient
from nescord_core.payloads import Embed, Interaction, Message
from nescord_core.rest.client.bodies import ComponentBody

rest = RestClient()


async def calls(message: Message, interaction: Interaction, view: discord.ui.View) -> None:
    await rest.create_message(message.channel_id, content="a", embeds=[{"title": "t"}])
    await rest.create_message(message.channel_id, embeds=[Embed({"title": "t"}), discord.Embed(title="t")])
    await rest.create_message(message.channel_id, components=view, timeout=5.0, priority="bulk")
    button: ComponentBody = {"type": 2, "style": 1, "label": "Again", "custom_id": "again"}
    await rest.create_message(message.channel_id, components=[{"type": 1, "components": [button]}])
    await rest.respond(interaction, embeds=[{"title": "t", "fields": [{"name": "n", "value": "v"}]}])
    await rest.respond(interaction, ephemeral=True, components=view, files=["report.pdf"])
    answer = await rest.reply(message, content="b", allowed_mentions=discord.AllowedMentions.none())
    print(answer.id + 1, answer.created_at.year)
    async for each in rest.every(rest.list_messages, message.channel_id, total=5):
        print(each.content)
