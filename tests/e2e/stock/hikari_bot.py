"""A stock hikari bot that uses much of the API. Run as: hikari_bot.py BASE_URL TOKEN.

Only its base URL is changed; the gateway's URL comes from GET /gateway/bot. On "!tour" it calls what bots
typically call, and posts "toured" or the part that failed. Before that it uses a REST client by itself.
"""

from __future__ import annotations

import sys
import traceback

import hikari
from hikari.impl import HTTPSettings, ProxySettings, RESTApp

BASE, TOKEN = f"{sys.argv[1]}/api/v10", sys.argv[2]
bot = hikari.GatewayBot(TOKEN, rest_url=BASE, banner=None, logs="CRITICAL", intents=hikari.Intents.ALL)


@bot.listen()
async def on_started(_event: hikari.StartedEvent) -> None:
    commands = [
        bot.rest.slash_command_builder("add", "Add numbers")
        .add_option(hikari.CommandOption(type=hikari.OptionType.INTEGER, name="one", description="1"))
        .add_option(hikari.CommandOption(type=hikari.OptionType.INTEGER, name="two", description="2")),
        bot.rest.context_menu_command_builder(hikari.CommandType.MESSAGE, "Shout"),
    ]
    me = bot.get_me()
    assert me is not None
    await bot.rest.set_application_commands(me.id, commands)
    print("ready", len(bot.shards), flush=True)


@bot.listen()
async def on_interaction(event: hikari.CommandInteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.command_name == "add":
        total = sum(each.value for each in interaction.options or () if isinstance(each.value, int))
        await interaction.create_initial_response(
            hikari.ResponseType.MESSAGE_CREATE, f"{total}", flags=hikari.MessageFlag.EPHEMERAL
        )
        await interaction.edit_initial_response(f"= {total}")
        assert (await interaction.fetch_initial_response()).content == f"= {total}"
    else:
        await interaction.create_initial_response(hikari.ResponseType.DEFERRED_MESSAGE_CREATE)
        assert interaction.resolved is not None
        text = next(iter(interaction.resolved.messages.values())).content
        await interaction.edit_initial_response(f"{text}".upper())
        await interaction.execute("and on")


@bot.listen()
async def on_component(event: hikari.ComponentInteractionCreateEvent) -> None:
    interaction = event.interaction
    if interaction.custom_id == "form":
        row = bot.rest.build_modal_action_row().add_text_input("name", "Name")
        await interaction.create_modal_response("Form", "asked", component=row)
    else:
        await interaction.create_initial_response(
            hikari.ResponseType.MESSAGE_UPDATE, "Clicked", components=[]
        )


@bot.listen()
async def on_modal(event: hikari.ModalInteractionCreateEvent) -> None:
    (component,) = event.interaction.components[0].components
    await event.interaction.create_initial_response(
        hikari.ResponseType.MESSAGE_CREATE, f"Hello {component.value}"
    )


@bot.listen()
async def on_reaction(event: hikari.GuildReactionAddEvent) -> None:
    if event.member.username == "alice":
        await bot.rest.create_message(event.channel_id, f"Reacted {event.emoji_name}")


@bot.listen()
async def on_message(event: hikari.GuildMessageCreateEvent) -> None:
    if event.content == "!panel":
        row = bot.rest.build_message_action_row()
        for each in ("again", "form"):
            row.add_interactive_button(hikari.ButtonStyle.PRIMARY, each, label=each)
        await event.message.respond("Panel", component=row)
    if event.content == "!tour":
        await tour(event)


async def tour(event: hikari.GuildMessageCreateEvent) -> None:
    failed = []
    for part in (messages, threads_and_webhooks, moderation, guild_things, errors, without_a_gateway):
        try:
            await part(event)
        except Exception:
            traceback.print_exc()
            failed.append(part.__name__)
    await event.message.respond(f"failed: {', '.join(failed)}" if failed else "toured")


async def messages(event: hikari.GuildMessageCreateEvent) -> None:
    rest, channel = bot.rest, event.channel_id
    await rest.trigger_typing(channel)
    file = hikari.Bytes(b"one", "one.txt")
    sent = await rest.create_message(channel, "hello", embed=hikari.Embed(title="T"), attachment=file)
    assert await sent.attachments[0].read() == b"one"
    edited = await rest.edit_message(channel, sent, "bye", embeds=[], attachments=None)
    assert edited.attachments == []
    await rest.pin_message(channel, sent)
    assert [each.message.id async for each in rest.fetch_pins(channel)] == [sent.id]
    await rest.unpin_message(channel, sent)
    await rest.add_reaction(channel, sent, "👍")
    assert [each.id async for each in rest.fetch_reactions_for_emoji(channel, sent, "👍")]
    await rest.delete_my_reaction(channel, sent, "👍")
    await rest.delete_all_reactions(channel, sent)
    reply = await rest.create_message(channel, "an answer", reply=sent)
    assert (await rest.fetch_message(channel, reply)).referenced_message is not None
    assert sent.id in [each.id async for each in rest.fetch_messages(channel, around=sent).limit(5)]
    forwarded = await rest.forward_message(channel, reply, channel)
    assert forwarded.message_snapshots[0].content == "an answer"
    await rest.delete_messages(channel, reply, forwarded)
    await rest.delete_message(channel, sent)
    direct = await rest.create_dm_channel(event.author_id)
    await rest.create_message(direct, "psst")


async def threads_and_webhooks(event: hikari.GuildMessageCreateEvent) -> None:
    rest, channel = bot.rest, event.channel_id
    thread = await rest.create_message_thread(channel, event.message_id, "talk")
    await rest.create_message(thread, "inside")
    await rest.add_thread_member(thread, event.author_id)
    assert [each.user_id async for each in rest.fetch_thread_members(thread)]
    assert thread.id in [each.id for each in await rest.fetch_active_threads(event.guild_id)]
    await rest.leave_thread(thread)
    await rest.join_thread(thread.id)
    await rest.edit_channel(thread, archived=True)
    assert [each.id async for each in rest.fetch_public_archived_threads(channel)] == [thread.id]
    await rest.delete_channel(thread)
    tag = hikari.ForumTag(name="new")
    forum = await rest.create_guild_forum_channel(event.guild_id, "forum", available_tags=[tag])
    post = await rest.create_forum_post(forum, "post", "first", tags=[forum.available_tags[0].id])
    assert (await rest.fetch_message(post, post.id)).content == "first"
    await rest.delete_channel(forum)
    hook = await rest.create_webhook(channel, "hook")
    assert hook.token is not None
    said = await rest.execute_webhook(hook, hook.token, "by hook", username="Herald")
    await rest.edit_webhook_message(hook, hook.token, said, "changed")
    assert (await rest.fetch_webhook_message(hook, hook.token, said)).content == "changed"
    await rest.delete_webhook_message(hook, hook.token, said)
    assert (await rest.fetch_webhook(hook, token=hook.token)).id == hook.id
    assert [each.id for each in await rest.fetch_channel_webhooks(channel)] == [hook.id]
    await rest.delete_webhook(hook)


async def moderation(event: hikari.GuildMessageCreateEvent) -> None:
    rest, guild = bot.rest, event.guild_id
    role = await rest.create_role(guild, name="new", color=0xFF0000, reason="a reason ü")
    await rest.edit_role(guild, role, hoist=True)
    bob = next(each for each in [each async for each in rest.fetch_members(guild)] if each.username == "bob")
    await rest.add_role_to_member(guild, bob, role)
    await rest.edit_member(guild, bob, nickname="Bobby")
    assert (await rest.fetch_member(guild, bob)).nickname == "Bobby"
    assert [each.id for each in await rest.search_members(guild, "bob")] == [bob.id]
    await rest.remove_role_from_member(guild, bob, role)
    await rest.delete_role(guild, role)
    await rest.ban_user(guild, bob, reason="rude")
    assert (await rest.fetch_ban(guild, bob)).reason == "rude"
    assert [each.user.id async for each in rest.fetch_bans(guild)] == [bob.id]
    await rest.unban_user(guild, bob)
    assert [each async for each in rest.fetch_audit_log(guild)]
    assert await rest.estimate_guild_prune_count(guild, days=7) == 0


async def guild_things(event: hikari.GuildMessageCreateEvent) -> None:
    rest, guild = bot.rest, event.guild_id
    made = await rest.create_guild_text_channel(guild, "made", topic="a topic", nsfw=True)
    assert made.is_nsfw
    assert not (await rest.edit_channel(made, nsfw=False)).is_nsfw  # type: ignore[attr-defined]
    await rest.edit_permission_overwrite(made, guild, target_type=0, deny=hikari.Permissions.SEND_MESSAGES)
    voice = await rest.create_guild_voice_channel(guild, "voice", user_limit=5)
    for each in (made, voice):
        await rest.delete_channel(each)
    invite = await rest.create_invite(event.channel_id, max_age=60)
    await rest.fetch_invite(invite.code)
    await rest.delete_invite(invite)
    assert (await rest.fetch_guild(guild)).name == "Sandbox"
    assert {each.name for each in await rest.fetch_guild_channels(guild)} >= {"general", "random"}
    assert {each.name for each in await rest.fetch_roles(guild)} >= {"moderator", "member"}
    assert len([each async for each in rest.fetch_my_guilds()]) == 2
    await rest.fetch_guild_preview(guild)
    await rest.fetch_guild_emojis(guild)
    await rest.fetch_guild_stickers(guild)
    await rest.fetch_integrations(guild)
    await rest.fetch_scheduled_events(guild)
    await rest.fetch_voice_regions()
    await rest.edit_welcome_screen(guild, description="Welcome", enabled=True)
    assert (await rest.fetch_welcome_screen(guild)).description == "Welcome"
    await rest.fetch_auto_mod_rules(guild)
    application = await rest.fetch_application()
    assert len(await rest.fetch_application_commands(application.id)) == 2
    assert (await rest.fetch_user(event.author_id)).username == "alice"


async def errors(event: hikari.GuildMessageCreateEvent) -> None:
    rest, channel, guild = bot.rest, event.channel_id, event.guild_id
    for code, attempt in (
        (10008, rest.fetch_message(channel, 1)),
        (10003, rest.fetch_channel(1)),
        (10007, rest.fetch_member(guild, 1)),
        (10013, rest.fetch_user(1)),
        (10006, rest.fetch_invite("nothing")),
        (50006, rest.create_message(channel, "")),
        (50035, rest.create_message(channel, "x" * 2001)),
        (50013, rest.kick_user(guild, 1191168914227200001)),
    ):
        try:
            await attempt
        except hikari.ClientHTTPResponseError as error:
            assert error.code == code, f"{error.code} instead of {code}: {error}"  # noqa: PT017
        else:
            raise AssertionError(f"no error {code}")


async def without_a_gateway(event: hikari.GuildMessageCreateEvent) -> None:
    """Call what a web application calls that uses only hikari's REST client."""
    app = RESTApp(url=BASE, http_settings=HTTPSettings(), proxy_settings=ProxySettings())
    await app.start()
    async with app.acquire(TOKEN, hikari.TokenType.BOT) as client:
        me = bot.get_me()
        assert me is not None
        assert (await client.fetch_my_user()).id == me.id
        await client.create_message(event.channel_id, "without a gateway")
    await app.close()


if __name__ == "__main__":
    bot.run(check_for_updates=False)
