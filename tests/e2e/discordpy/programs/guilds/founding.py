"""Sets up a guild: categories, channels with overwrites, roles, emoji, members, invites."""

import asyncio
import base64
import os

import discord
from discord.ext import commands

PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
bot = commands.AutoShardedBot("!", intents=discord.Intents.all(), chunk_guilds_at_startup=False)


@bot.command()
async def found(ctx: commands.Context) -> None:
    guild = ctx.guild
    staff = await guild.create_role(
        name="Staff",
        colour=discord.Colour(0x112233),
        hoist=True,
        permissions=discord.Permissions(kick_members=True),
    )
    overwrites = {
        guild.default_role: discord.PermissionOverwrite(view_channel=False),
        staff: discord.PermissionOverwrite(view_channel=True),
        guild.me: discord.PermissionOverwrite(view_channel=True, manage_channels=True),
    }
    category = await guild.create_category("Staff", overwrites=overwrites)
    text = await category.create_text_channel("talk", topic="secret", slowmode_delay=5, nsfw=True)
    voice = await guild.create_voice_channel("Room", category=category, user_limit=5)
    copy = await text.clone(name="talk-2")
    await text.edit(sync_permissions=True, position=0)
    await staff.edit(name="Team", mentionable=True)
    await ctx.author.add_roles(staff)
    await asyncio.sleep(0.5)
    cached = guild.get_channel(text.id)
    alice = guild.get_member(ctx.author.id)
    await ctx.send(
        f"{[c.name for c in guild.get_channel(category.id).channels]} {cached.permissions_synced}"
        f" {cached.topic}"
        f" {guild.get_channel(voice.id).user_limit} {guild.get_role(staff.id).name} {alice.top_role.name}"
        f" {cached.permissions_for(alice).view_channel} {cached.is_nsfw()} {len(cached.overwrites)}"
    )
    for channel in (copy, text, voice, category):
        await channel.delete()
    await staff.delete()
    await asyncio.sleep(0.5)
    await ctx.send(f"{[c.name for c in guild.categories]} {[r.name for r in ctx.author.roles]}")


@bot.command()
async def emoji(ctx: commands.Context) -> None:
    made = await ctx.guild.create_custom_emoji(name="pixel", image=PIXEL)
    await asyncio.sleep(0.4)
    sent = await ctx.send(f"{made} {[e.name for e in ctx.guild.emojis]} {bot.get_emoji(made.id) == made}")
    await sent.add_reaction(made)
    fetched = await ctx.channel.fetch_message(sent.id)
    await made.delete()
    await ctx.send(f"{[r.emoji.name for r in fetched.reactions]} {fetched.reactions[0].me}")


@bot.command()
async def members(ctx: commands.Context) -> None:
    guild = ctx.guild
    before = guild.chunked
    fetched = sorted([member.name async for member in guild.fetch_members(limit=None)])
    queried = sorted(member.name for member in await guild.query_members("al", limit=3))
    cached = sorted(member.name for member in guild.members)
    guilds = [each.name async for each in bot.fetch_guilds()]
    await ctx.send(f"{before} {guild.chunked} {fetched == cached} {queried} {guilds} {guild.owner.name}")
    whole = await bot.fetch_guild(guild.id, with_counts=True)
    invite = await ctx.channel.create_invite(max_age=60)
    fetched_invite = await bot.fetch_invite(invite.url)
    await invite.delete()
    await ctx.send(
        f"{whole.name} {whole.approximate_member_count} {fetched_invite.guild.name} {ctx.guild.shard_id}"
        f" {bot.shard_count}"
    )


@bot.command()
async def wrong(ctx: commands.Context) -> None:
    notes = []
    for call in (
        lambda: bot.fetch_channel(1),
        lambda: ctx.send("x" * 2001),
        ctx.guild.owner.kick,
        lambda: ctx.channel.fetch_message(1),
        lambda: ctx.channel.edit(name=""),
        lambda: bot.fetch_user(12345),
    ):
        try:
            await call()
            notes.append("nothing")
        except discord.HTTPException as error:
            notes.append(f"{type(error).__name__} {error.status} {error.code}")
    await ctx.send("; ".join(notes))


bot.run(os.environ["DISCORD_TOKEN"])
