"""Calls of Discord's API with views, dictionaries and objects of discord.py."""

from io import BytesIO
from pathlib import Path

import discord

from nescord_core import RestClient
from nescord_core.payloads import Embed, Interaction, Message
from nescord_core.rest.client.bodies import ComponentBody
from nescord_core.rest.files import File

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


async def more_calls(message: Message, picture: discord.File, guild_id: int) -> None:
    sent = await rest.send_message(message.channel_id, content="a", files=[picture, b"bytes", Path("a.png")])
    with Path("a.png").open("rb") as file:  # noqa: ASYNC230 - a small file
        await rest.reply(sent, content="b", files=[file, BytesIO(b"c"), File(b"d", "d.txt")], priority="bulk")
    await rest.react(message.channel_id, message.id, "👍")
    await rest.kick(guild_id, message.author.id, reason="spam")
    webhooks = await rest.list_channel_webhooks(message.channel_id)
    print([(webhook.name.upper(), webhook.token or "") for webhook in webhooks])
    pins = await rest.list_pins(message.channel_id)
    print(pins.has_more, [each.message.content.upper() for each in pins.items])
    commands = await rest.set_commands(1, [{"name": "ping", "description": "Answers", "type": 1}])
    print([command.id + 1 for command in commands])
    application = await rest.get_my_application()
    print(application.approximate_guild_count + 1, application.name)
    banned = await rest.bulk_ban_users_from_guild(guild_id, user_ids=[1, 2])
    print(sum(banned.banned_users))
