"""Mistakes in calls that a type checker has to find: each marked line is an error."""

from nescord_core import RestClient
from nescord_core.payloads import Message

rest = RestClient()


async def calls(message: Message) -> None:
    await rest.create_message(message.channel_id, contnt="a")  # error
    await rest.create_message(message.channel_id, content=5)  # error
    await rest.create_message(message.channel_id, embeds={"title": "t"})  # error
    await rest.create_message(message.channel_id, embeds=["t"])  # error
    await rest.create_message(message.channel_id, priority="high")  # error
    await rest.create_message()  # error
    found: Message = await rest.get_channel(message.channel_id)  # error
    print(found)
