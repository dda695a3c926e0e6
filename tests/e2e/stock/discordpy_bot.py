"""A stock discord.py bot that uses much of the API. Run as: discordpy_bot.py BASE_URL TOKEN.

Only its base URL is changed; the gateway's URL comes from GET /gateway/bot. On "!tour" it calls what bots
typically call, and posts "toured" or what went wrong.
"""

from __future__ import annotations

import datetime
import io
import sys
import traceback
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)

bot = commands.AutoShardedBot("!", intents=discord.Intents.all())


class Panel(discord.ui.View):
    """Registered at the start: a view sent with a message receives clicks only once the send has returned."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Again", custom_id="again")
    async def again(self, interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        await interaction.response.edit_message(content="Clicked")
        await interaction.followup.send("Followed", ephemeral=True)

    @discord.ui.button(label="Form", custom_id="form")
    async def form(self, interaction: discord.Interaction, _button: discord.ui.Button[Panel]) -> None:
        await interaction.response.send_modal(Form())

    @discord.ui.select(
        custom_id="colour", options=[discord.SelectOption(label="Red"), discord.SelectOption(label="Blue")]
    )
    async def colour(self, interaction: discord.Interaction, select: discord.ui.Select[Panel]) -> None:
        await interaction.response.send_message(f"Chose {select.values[0]}")


class Form(discord.ui.Modal, title="Form"):
    name: discord.ui.TextInput[Form] = discord.ui.TextInput(label="Name", custom_id="name")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.defer(thinking=True)
        await interaction.edit_original_response(content=f"Hello {self.name.value}")


@bot.tree.command(description="Add numbers")
async def add(interaction: discord.Interaction, one: int, two: int) -> None:
    await interaction.response.send_message(f"{one + two}", ephemeral=True)
    await interaction.edit_original_response(content=f"= {one + two}")


@bot.tree.command(description="Find a fruit")
async def fruit(interaction: discord.Interaction, name: str) -> None:
    await interaction.response.defer()
    await interaction.followup.send("fills what was deferred")
    sent = await interaction.followup.send(name, wait=True)
    await interaction.followup.edit_message(sent.id, content=f"{name}!")
    await interaction.delete_original_response()


@fruit.autocomplete("name")
async def fruits(_interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    found = [each for each in ("apple", "pear", "apricot") if each.startswith(current)]
    return [app_commands.Choice(name=each, value=each) for each in found]


@bot.tree.context_menu(name="Shout")
async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(message.content.upper())


@bot.event
async def on_ready() -> None:
    bot.add_view(Panel())
    await bot.tree.sync()
    print("ready", len(bot.guilds), flush=True)


@bot.event
async def on_raw_reaction_add(payload: discord.RawReactionActionEvent) -> None:
    if payload.user_id != bot.user.id and payload.message_author_id == bot.user.id:  # type: ignore[union-attr]
        channel = bot.get_partial_messageable(payload.channel_id)
        await channel.send(f"Reacted {payload.emoji}")


@bot.command()
async def panel(ctx: commands.Context[Any]) -> None:
    await ctx.send("Panel", view=Panel())


@bot.command()
async def members(ctx: commands.Context[Any]) -> None:
    assert ctx.guild is not None
    await bot.change_presence(activity=discord.Game("chess"), status=discord.Status.idle)
    found = await ctx.guild.query_members("al", limit=5, presences=True)
    chunked = await ctx.guild.chunk()
    await ctx.reply(f"{', '.join(each.name for each in found)} of {len(chunked)}")


@bot.command()
async def tour(ctx: commands.Context[Any]) -> None:
    failed = []
    for part in (messages, reactions, threads, webhooks, forum, moderation, guild_things, questions, errors):
        try:
            await part(ctx)
        except Exception:
            traceback.print_exc()
            failed.append(part.__name__)
    await ctx.send(f"failed: {', '.join(failed)}" if failed else "toured")


async def messages(ctx: commands.Context[Any]) -> None:
    async with ctx.typing():
        embed = discord.Embed(title="T", description="D", colour=255, timestamp=discord.utils.utcnow())
        embed.add_field(name="a", value="b").set_footer(text="f").set_author(name="me", url="https://e.test/")
        files = [discord.File(io.BytesIO(b"one"), "one.txt"), discord.File(io.BytesIO(PIXEL), "p.png")]
        sent = await ctx.send("hello", embed=embed, files=files)
    assert await sent.attachments[0].read() == b"one"
    edited = await sent.edit(content="bye", embed=None, attachments=[sent.attachments[1]])
    assert [each.filename for each in edited.attachments] == ["p.png"]
    await sent.pin()
    assert [each.id async for each in ctx.channel.pins()] == [sent.id]
    await sent.unpin()
    reply = await sent.reply("an answer", mention_author=False, silent=True)
    assert (await ctx.fetch_message(reply.id)).reference is not None
    around = [each.id async for each in ctx.channel.history(limit=5, around=sent)]
    assert sent.id in around
    poll = discord.Poll("Which?", duration=datetime.timedelta(hours=1))
    asked = await ctx.send(poll=poll.add_answer(text="this").add_answer(text="that"))
    assert asked.poll is not None
    assert [each async for each in asked.poll.answers[0].voters()] == []
    await asked.end_poll()
    forwarded = await reply.forward(ctx.channel)
    assert isinstance(ctx.channel, discord.TextChannel)
    await ctx.channel.delete_messages([reply, forwarded])
    await sent.delete()
    direct = await ctx.author.send("psst")
    await direct.edit(content="psst!")


async def reactions(ctx: commands.Context[Any]) -> None:
    sent = await ctx.send("react")
    await sent.add_reaction("👍")
    await sent.add_reaction("🎉")
    fetched = await ctx.fetch_message(sent.id)
    assert {str(each.emoji) for each in fetched.reactions} == {"👍", "🎉"}
    assert [each.id async for each in fetched.reactions[0].users()] == [bot.user.id]  # type: ignore[union-attr]
    await sent.remove_reaction("👍", bot.user)  # type: ignore[arg-type]
    await sent.clear_reaction("🎉")
    await sent.clear_reactions()


async def threads(ctx: commands.Context[Any]) -> None:
    channel = ctx.channel
    assert isinstance(channel, discord.TextChannel)
    sent = await ctx.send("a thread's start")
    thread = await sent.create_thread(name="talk", auto_archive_duration=60)
    await thread.send("inside")
    await thread.add_user(ctx.author)
    assert ctx.author.id in {each.id for each in await thread.fetch_members()}
    await thread.fetch_member(ctx.author.id)
    await thread.remove_user(ctx.author)
    await thread.edit(name="renamed", slowmode_delay=5)
    assert thread.id in {each.id for each in await ctx.guild.active_threads()}  # type: ignore[union-attr]
    await thread.leave()
    await thread.join()
    await thread.edit(archived=True)
    assert [each.id async for each in channel.archived_threads()] == [thread.id]
    assert (await bot.fetch_channel(thread.id)).id == thread.id
    await thread.delete()


async def webhooks(ctx: commands.Context[Any]) -> None:
    channel = ctx.channel
    assert isinstance(channel, discord.TextChannel)
    hook = await channel.create_webhook(name="hook", avatar=PIXEL)
    sent = await hook.send(
        "by hook", wait=True, username="Herald", file=discord.File(io.BytesIO(b"x"), "x.txt")
    )
    await sent.edit(content="by hook, changed")
    assert (await hook.fetch_message(sent.id)).content == "by hook, changed"
    await hook.send("and on")
    await sent.delete()
    assert [each.id for each in await channel.webhooks()] == [hook.id]
    assert [each.id for each in await ctx.guild.webhooks()] == [hook.id]  # type: ignore[union-attr]
    await hook.edit(name="crook")
    assert (await bot.fetch_webhook(hook.id)).name == "crook"
    assert hook.token is not None
    await (await discord.Webhook.partial(hook.id, hook.token, client=bot).fetch()).delete()


async def forum(ctx: commands.Context[Any]) -> None:
    guild = ctx.guild
    assert guild is not None
    place = await guild.create_forum("forum", available_tags=[discord.ForumTag(name="new")])
    made = await place.create_thread(name="post", content="first", applied_tags=place.available_tags)
    await made.thread.edit(applied_tags=[])
    assert [each async for each in place.archived_threads()] == []
    await place.delete()


async def moderation(ctx: commands.Context[Any]) -> None:
    guild = ctx.guild
    assert guild is not None
    role = await guild.create_role(name="new", colour=discord.Colour.red(), reason="a reason ü")
    await role.edit(hoist=True, mentionable=True)
    bob = discord.utils.get(guild.members, name="bob")
    assert bob is not None
    await bob.add_roles(role)
    await bob.edit(nick="Bobby")
    await bob.timeout(datetime.timedelta(minutes=5))
    await bob.timeout(None)
    assert role in (await guild.fetch_member(bob.id)).roles
    assert {each.name async for each in guild.fetch_members(limit=None)} >= {"alice", "bob"}
    await bob.remove_roles(role)
    await role.delete()
    await bob.ban(reason="rude", delete_message_seconds=0)
    assert [each.reason async for each in guild.bans()] == ["rude"]
    assert (await guild.fetch_ban(bob)).user.id == bob.id
    await guild.unban(bob)
    assert [each async for each in guild.audit_logs(limit=20)]
    rules = await guild.fetch_automod_rules()
    rule = await guild.create_automod_rule(
        name="no spam",
        event_type=discord.AutoModRuleEventType.message_send,
        trigger=discord.AutoModTrigger(keyword_filter=["spam"]),
        actions=[discord.AutoModRuleAction()],
    )
    await rule.edit(enabled=True)
    assert len(await guild.fetch_automod_rules()) == len(rules) + 1
    await rule.delete()


async def guild_things(ctx: commands.Context[Any]) -> None:
    guild, channel = ctx.guild, ctx.channel
    assert guild is not None
    assert isinstance(channel, discord.TextChannel)
    category = await guild.create_category("group")
    made = await guild.create_text_channel("made", topic="a topic", category=category)
    await made.set_permissions(guild.default_role, send_messages=False)
    await made.edit(topic="another", nsfw=True, slowmode_delay=3)
    copy = await made.clone(name="copy")
    voice = await guild.create_voice_channel("voice", user_limit=5)
    stage = await guild.create_stage_channel("stage")
    for each in (copy, made, voice, stage, category):
        await each.delete()
    emoji = await guild.create_custom_emoji(name="dot", image=PIXEL)
    await emoji.edit(name="point")
    assert [each.name for each in await guild.fetch_emojis()] == ["point"]
    await emoji.delete()
    invite = await channel.create_invite(max_age=60, unique=True)
    await bot.fetch_invite(invite.url)
    assert [each.code for each in await guild.invites()] == [invite.code]
    assert [each.code for each in await channel.invites()] == [invite.code]
    await invite.delete()
    event = await guild.create_scheduled_event(
        name="party",
        start_time=discord.utils.utcnow() + datetime.timedelta(hours=1),
        end_time=discord.utils.utcnow() + datetime.timedelta(hours=2),
        entity_type=discord.EntityType.external,
        privacy_level=discord.PrivacyLevel.guild_only,
        location="here",
    )
    await event.edit(name="bigger party")
    assert [each.name for each in await guild.fetch_scheduled_events()] == ["bigger party"]
    assert [each async for each in event.users()] == []
    await event.delete()
    await guild.edit(description=None, afk_timeout=300)


async def questions(ctx: commands.Context[Any]) -> None:
    guild = ctx.guild
    assert guild is not None
    assert bot.user is not None
    assert (await bot.application_info()).id == bot.user.id
    assert (await bot.fetch_user(ctx.author.id)).name == "alice"
    assert {each.name async for each in bot.fetch_guilds()} == {each.name for each in bot.guilds}
    assert (await bot.fetch_guild(guild.id)).approximate_member_count
    assert {each.name for each in await guild.fetch_channels()} >= {"general", "random"}
    assert {each.name for each in await guild.fetch_roles()} >= {"moderator", "member"}
    await guild.fetch_stickers()
    await guild.integrations()
    await bot.fetch_premium_sticker_packs()
    await bot.fetch_soundboard_default_sounds()
    await guild.fetch_soundboard_sounds()
    await bot.fetch_application_emojis()
    assert {each.name for each in await bot.tree.fetch_commands()} == {"add", "fruit", "Shout"}
    await guild.prune_members(days=7, compute_prune_count=True)
    await guild.estimate_pruned_members(days=7)
    await guild.templates()
    await guild.edit_welcome_screen(description="Welcome", enabled=True)
    assert (await guild.welcome_screen()).description == "Welcome"


async def errors(ctx: commands.Context[Any]) -> None:
    guild, channel = ctx.guild, ctx.channel
    assert guild is not None
    assert isinstance(channel, discord.TextChannel)
    owner = await guild.fetch_member(guild.owner_id or 0)
    for wanted, attempt in (
        (10008, channel.fetch_message(1)),
        (10003, bot.fetch_channel(1)),
        (10004, bot.fetch_guild(1)),
        (10007, guild.fetch_member(1)),
        (10013, bot.fetch_user(1)),
        (10015, bot.fetch_webhook(1)),
        (10026, guild.fetch_ban(owner)),
        (10006, bot.fetch_invite("nothing")),
        (50013, owner.edit(nick="me")),
        (50013, owner.kick()),
        (50006, channel.send("")),
        (50035, channel.send("x" * 2001)),
        (50035, channel.send(embed=discord.Embed(title="x" * 300))),
        (10014, channel.get_partial_message(ctx.message.id).add_reaction("nonsense")),
    ):
        try:
            await attempt
        except discord.HTTPException as error:
            assert error.code == wanted, f"{error.code} instead of {wanted}: {error.text}"  # noqa: PT017
        else:
            raise AssertionError(f"no error {wanted}")


if __name__ == "__main__":
    discord.http.Route.BASE = f"{sys.argv[1]}/api/v10"
    bot.run(sys.argv[2], log_level=30)
