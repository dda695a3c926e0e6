"""Handlers of several events, in every form that `on` takes."""

from nescord_core import EventType, WsListener
from nescord_core.payloads import EventInfo, Guild, Interaction, Message, Payload, UnavailableGuild

listener = WsListener()


@listener.on("message_create")
async def greet(message: Message) -> None:
    print(message.author.display_name, message.content.upper(), message.jump_url)


@listener.on(EventType.MESSAGE_UPDATE, ordered=True)
def edited(message: Message, event: EventInfo) -> int:
    return event.seq + message.id


@listener.on("GUILD_CREATE")
@listener.on("guildUpdate")
async def seen(guild: Guild) -> str:
    return guild.name


@listener.on("guild_create")
@listener.on("guild_delete")
async def either(guild: Guild | UnavailableGuild) -> None: ...


@listener.on()
async def answer(interaction: Interaction) -> None:
    print(interaction.invoker)


@listener.on("*")
async def everything(payload: Payload) -> None:
    print(payload.whatever)


name: str = "message_create"
listener.on(name)(greet)
