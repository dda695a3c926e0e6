"""Mistakes in handlers that a type checker has to find: each marked line is an error."""

from nescord_core import WsListener
from nescord_core.payloads import Guild, Message

listener = WsListener()


@listener.on("message_create")  # error
async def wrong_payload(guild: Guild) -> None: ...


@listener.on("guild_create")  # error
async def two_wrong(message: Message, event: Guild) -> None: ...


@listener.on  # error
async def no_parentheses(message: Message) -> None: ...


@listener.on("message_create", orderd=True)  # error
async def misspelt(message: Message) -> None: ...


@listener.on("message_create")
async def wrong_field(message: Message) -> None:
    print(message.contnt)  # error


@listener.on(5)  # error
async def wrong_name(message: Message) -> None: ...
