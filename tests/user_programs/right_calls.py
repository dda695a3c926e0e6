"""Calls of Discord's API with views, dictionaries and objects of discord.py."""

import discord

from nescord_core import RestClient
from nescord_core.payloads import Embed, Message

rest = RestClient()


async def calls(message: Message, view: discord.ui.View) -> None:
    await rest.create_message(message.channel_id, content="a", embeds=[{"title": "t"}])
    await rest.create_message(message.channel_id, embeds=[Embed({"title": "t"}), discord.Embed(title="t")])
    await rest.create_message(message.channel_id, components=view, timeout=5.0, priority="bulk")
    await rest.create_message(message.channel_id, components=[{"type": 1, "components": []}])
    answer = await rest.reply(message, content="b", allowed_mentions=discord.AllowedMentions.none())
    print(answer.id + 1, answer.created_at.year)
    async for each in rest.every(rest.list_messages, message.channel_id, total=5):
        print(each.content)
