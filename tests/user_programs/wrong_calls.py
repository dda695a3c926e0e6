"""Mistakes in calls that a type checker has to find: each marked line is an error."""

from nescord_core import RestClient
from nescord_core.payloads import Interaction, Message

rest = RestClient()


async def calls(message: Message, interaction: Interaction) -> None:
    await rest.create_message(message.channel_id, contnt="a")  # error
    await rest.create_message(message.channel_id, content=5)  # error
    await rest.create_message(message.channel_id, embeds={"title": "t"})  # error
    await rest.create_message(message.channel_id, embeds=["t"])  # error
    await rest.create_message(message.channel_id, embeds=[{"titel": "t"}])  # error
    await rest.create_message(message.channel_id, embeds=[{"color": "red"}])  # error
    await rest.create_message(message.channel_id, components=[{"type": "button"}])  # error
    await rest.create_message(message.channel_id, allowed_mentions={"roles": 5})  # error
    await rest.respond(interaction, contnt="a")  # error
    await rest.respond(interaction, embeds=[{"titel": "t"}])  # error
    await rest.create_message(message.channel_id, priority="high")  # error
    await rest.create_message()  # error
    found: Message = await rest.get_channel(message.channel_id)  # error
    print(found)
    await rest.reply(message, contnt="a")  # error
    await rest.reply(message, embeds=[{"titel": "t"}])  # error
    await rest.reply(message, message_reference={"message_id": 1})  # error
    await rest.create_message(message.channel_id, files=[object()])  # error
    await rest.create_message(message.channel_id, files=["a.png", 5])  # error
    await rest.send_message(message.channel_id, contnt="a")  # error
    await rest.kik(1, 2)  # error
    await rest.kick(1)  # error
    webhooks = await rest.list_channel_webhooks(message.channel_id)
    print(webhooks[0].nam)  # error
    pins = await rest.list_pins(message.channel_id)
    print(pins.items[0].content)  # error
    print((await rest.get_bot_gateway()).shards.upper())  # error
    await rest.set_commands(1, {"name": "ping"})  # error
