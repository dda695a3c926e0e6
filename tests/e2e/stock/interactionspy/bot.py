"""A stock interactions.py bot. Run as: bot.py BASE_URL TOKEN. Only the base URL is changed."""

import datetime
import io
import sys
from typing import Any

import interactions as ipy
from interactions.api import events
from interactions.api.http.route import Route

Route.BASE = f"{sys.argv[1]}/api/v10"
bot = ipy.Client(intents=ipy.Intents.ALL, sync_interactions=True, send_command_tracebacks=False)
noted: list[int] = []

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)


def picture() -> ipy.File:
    return ipy.File(io.BytesIO(PIXEL), file_name="a.png")


def general() -> Any:
    return next(each for each in bot.guilds[0].channels if each.name == "general")


@ipy.listen()
async def on_ready() -> None:
    print("ready", flush=True)


@ipy.listen()
async def on_message_create(event: events.MessageCreate) -> None:
    message = event.message
    if message.author.bot or message.guild is None:
        if message.content == "Picture" and message.embeds:
            await message.channel.send(f"Seen {message.embeds[0].type.value}")
        return
    if message.content == "delete me":
        noted.append(message.id)
        await message.channel.send("noted")
    if message.content.startswith("!"):
        await WORDS[message.content[1:]](message)


@ipy.listen()
async def on_message_update(event: events.MessageUpdate) -> None:
    if not event.after.author.bot and event.after.content == "edited":
        await event.after.channel.send(f"Edited: {event.after.content}")


@ipy.listen()
async def on_message_delete(event: events.MessageDelete) -> None:
    if event.message.id in noted:
        await general().send("Deleted")


@ipy.listen()
async def on_message_reaction_add(event: events.MessageReactionAdd) -> None:
    if event.author.id != bot.user.id:
        await event.message.channel.send(f"Reacted {event.emoji.name}")


@ipy.listen()
async def on_member_add(event: events.MemberAdd) -> None:
    await general().send(f"Welcome {event.member.username}")


@ipy.listen()
async def on_thread_create(event: events.ThreadCreate) -> None:
    if event.thread.owner_id != bot.user.id:
        await general().send(f"Thread {event.thread.name}")


@ipy.listen()
async def on_typing_start(event: events.TypingStart) -> None:
    if event.author.id != bot.user.id:
        await event.channel.send(f"Typing {event.author.id}")


@ipy.listen()
async def on_voice_state_update(event: events.VoiceStateUpdate) -> None:
    if event.after is not None and event.after.channel is not None:
        await general().send(f"Voice {event.after.member.id}")


@ipy.listen()
async def on_presence_update(event: events.PresenceUpdate) -> None:
    await general().send(f"Presence {event.user.id} {event.status.value}")


# Words


async def ping(message: ipy.Message) -> None:
    await message.reply("Pong!")


async def embed(message: ipy.Message) -> None:
    shown = ipy.Embed(title="T", description="D").add_field("a", "b")
    shown.set_image("attachment://a.png")
    await message.channel.send("Picture", embed=shown, files=picture())


async def panel(message: ipy.Message) -> None:
    style = ipy.ButtonStyle.PRIMARY
    buttons = ipy.ActionRow(
        *(ipy.Button(style=style, label=each, custom_id=each) for each in ("edit", "form"))
    )
    colours = ipy.ActionRow(ipy.StringSelectMenu("Red", "Blue", custom_id="colour"))
    await message.channel.send("Panel", components=[buttons, colours])


async def react(message: ipy.Message) -> None:
    await message.add_reaction("🎉")
    await message.add_reaction("👍")
    await message.remove_reaction("👍")
    await message.channel.send("reacted")


async def thread(message: ipy.Message) -> None:
    made = await message.create_thread("talk")
    await made.send("inside")
    await message.channel.send("threaded")


async def dm(message: ipy.Message) -> None:
    await message.author.send("psst")
    await message.channel.send("sent")


async def role(message: ipy.Message) -> None:
    made = await message.guild.create_role(name="new", reason="a reason ü")
    await made.edit(hoist=True, mentionable=True)
    await message.author.add_role(made)
    await message.author.remove_role(made)
    await made.delete()
    await message.channel.send("role done")


async def webhook(message: ipy.Message) -> None:
    hook = await message.channel.create_webhook(name="hook", avatar=picture())
    sent = await hook.send("hook", username="Herald", wait=True)
    await hook.edit_message(sent.id, content="by hook")
    assert hook.id in [each.id for each in await message.channel.fetch_webhooks()]
    await hook.delete()
    await message.channel.send("webhook done")


async def members(message: ipy.Message) -> None:
    await message.guild.chunk()
    await message.channel.send(f"members {len(message.guild.members)}")


async def channel(message: ipy.Message) -> None:
    made = await message.guild.create_text_channel("made", topic="a topic")
    await made.edit(topic="another", rate_limit_per_user=3)
    await made.set_permission(message.guild.default_role, send_messages=False)
    await made.delete()
    voice = await message.guild.create_voice_channel("voice")
    await voice.delete()
    await message.channel.send("channel done")


async def history(message: ipy.Message) -> None:
    found = [each async for each in message.channel.history(limit=100)]
    await message.channel.send(f"history starts with {found[0].content}")


async def purge(message: ipy.Message) -> None:
    random = next(each for each in message.guild.channels if each.name == "random")
    await message.channel.send(f"purged {await random.purge(deletion_limit=10, search_limit=10)}")


async def poll(message: ipy.Message) -> None:
    asked = ipy.Poll.create("Which?", duration=1)
    await message.channel.send(poll=asked.add_answer("this").add_answer("that"))


async def layout(message: ipy.Message) -> None:
    button = ipy.Button(style=ipy.ButtonStyle.PRIMARY, label="edit", custom_id="layout")
    text = ipy.TextDisplayComponent(content="## Layout")
    await message.channel.send(components=[ipy.ContainerComponent(text, ipy.ActionRow(button))])


async def idle(message: ipy.Message) -> None:
    await bot.change_presence(status=ipy.Status.IDLE, activity="chess")
    await message.channel.send("idling")


async def rest(message: ipy.Message) -> None:
    guild, place = message.guild, message.channel
    await place.trigger_typing()
    await message.pin()
    assert message.id in [each.id for each in await place.fetch_pinned_messages()]
    await message.unpin()
    invite = await place.create_invite(max_age=60)
    assert invite.code in [each.code for each in await guild.fetch_invites()]
    await invite.delete()
    emoji = await guild.create_custom_emoji("dot", picture())
    await emoji.edit(name="point")
    await emoji.delete()
    bob = next(each for each in guild.members if each.username == "bob")
    await bob.edit_nickname("Bobby")
    assert (await guild.fetch_member(bob.id, force=True)).nickname == "Bobby"
    await bob.ban(reason="rude")
    assert (await guild.fetch_ban(bob)).reason == "rude"
    await guild.unban(bob.id)
    assert (await bot.fetch_user(bob.id, force=True)).username == "bob"
    assert (await bot.fetch_guild(guild.id, force=True)).name == "Sandbox"
    assert len(await guild.fetch_channels()) >= 3
    assert (await place.fetch_message(message.id, force=True)).content == "!rest"
    assert (await guild.fetch_audit_log(limit=5)).entries
    start = datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1)
    event = await guild.create_scheduled_event(
        "party",
        ipy.ScheduledEventType.EXTERNAL,
        start,
        end_time=start + datetime.timedelta(hours=1),
        external_location="here",
    )
    await event.delete()
    await message.clear_all_reactions()
    await place.send("rest done")


WORDS = {
    each.__name__: each
    for each in (ping, embed, panel, react, thread, dm, role, webhook, members, channel, history, purge)
}
WORDS |= {each.__name__: each for each in (poll, layout, idle, rest)}


# Components and commands


@ipy.component_callback("edit")
async def edit(ctx: ipy.ComponentContext) -> None:
    await ctx.edit_origin(content="Clicked")


@ipy.component_callback("layout")
async def on_layout(ctx: ipy.ComponentContext) -> None:
    await ctx.defer(edit_origin=True)


@ipy.component_callback("colour")
async def colour(ctx: ipy.ComponentContext) -> None:
    await ctx.send(f"Chose {ctx.values[0]}")


@ipy.component_callback("form")
async def form(ctx: ipy.ComponentContext) -> None:
    await ctx.send_modal(
        ipy.Modal(ipy.ShortText(label="Name", custom_id="name"), title="Form", custom_id="asked")
    )


@ipy.modal_callback("asked")
async def asked(ctx: ipy.ModalContext, name: str) -> None:
    await ctx.send(f"Hello {name}")


@ipy.slash_command("add", description="Add numbers")
@ipy.slash_option("one", "1", ipy.OptionType.INTEGER, required=True)
@ipy.slash_option("two", "2", ipy.OptionType.INTEGER, required=True)
async def add(ctx: ipy.SlashContext, one: int, two: int) -> None:
    await ctx.send(f"{one + two}", ephemeral=True)


@ipy.slash_command("slow", description="Take time")
async def slow(ctx: ipy.SlashContext) -> None:
    await ctx.defer()
    await ctx.send("Done")
    sent = await ctx.send("Followed")
    await ctx.send(f"Follow-up has {'an' if sent.id else 'no'} id")


@ipy.slash_command("fruit", description="Find a fruit")
@ipy.slash_option("name", "name", ipy.OptionType.STRING, required=True, autocomplete=True)
async def fruit(ctx: ipy.SlashContext, name: str) -> None:
    await ctx.send(f"{name}!")


@fruit.autocomplete("name")
async def fruits(ctx: ipy.AutocompleteContext) -> None:
    await ctx.send([each for each in ("apple", "pear", "apricot") if each.startswith(ctx.input_text)])


@ipy.slash_command("greet", description="Greet", sub_cmd_name="user", sub_cmd_description="Greet a user")
@ipy.slash_option("who", "who", ipy.OptionType.USER, required=True)
async def greet(ctx: ipy.SlashContext, who: ipy.Member) -> None:
    await ctx.send(f"Hello {who.username}")


@ipy.slash_command("upload", description="Read a file")
@ipy.slash_option("file", "file", ipy.OptionType.ATTACHMENT, required=True)
async def upload(ctx: ipy.SlashContext, file: ipy.Attachment) -> None:
    await ctx.send(f"{file.filename} {file.size}")


@ipy.user_context_menu("Who")
async def who_is(ctx: ipy.ContextMenuContext) -> None:
    await ctx.send(f"It is {ctx.target.username}")


@ipy.message_context_menu("Shout")
async def shout(ctx: ipy.ContextMenuContext) -> None:
    await ctx.send(ctx.target.content.upper())


bot.start(sys.argv[2])
