"""Moderation: purge, time-outs, kicks and bans, locks, slow mode, nicknames, roles, an audit log."""

import asyncio
import datetime
import os
import typing

import discord
from discord.ext import commands

bot = commands.Bot(command_prefix="-", intents=discord.Intents.all(), help_command=None)
warnings: dict[int, list[str]] = {}


@bot.command()
@commands.has_guild_permissions(kick_members=True)
@commands.bot_has_permissions(manage_messages=True)
async def purge(
    ctx: commands.Context, count: commands.Range[int, 1, 50], member: discord.Member | None = None
) -> None:
    await ctx.message.delete()
    gone = await ctx.channel.purge(limit=count, check=lambda m: member is None or m.author == member)
    await ctx.send(f"purged {len(gone)}", delete_after=60)


@bot.command()
async def warn(
    ctx: commands.Context, members: commands.Greedy[discord.Member], *, reason: str = "no reason"
) -> None:
    for member in members:
        warnings.setdefault(member.id, []).append(reason)
    await ctx.send(
        f"warned {[m.name for m in members]} for {reason}: {[len(warnings[m.id]) for m in members]}"
    )


@bot.command()
async def mute(ctx: commands.Context, member: discord.Member, minutes: float = 1) -> None:
    await member.timeout(datetime.timedelta(minutes=minutes), reason=f"by {ctx.author}")
    fresh = await ctx.guild.fetch_member(member.id)
    await ctx.send(f"{member.name} timed out: {fresh.is_timed_out()}")
    await member.timeout(None)


@bot.command()
async def nick(ctx: commands.Context, member: discord.Member, *, name: str | None = None) -> None:
    await member.edit(nick=name)
    await asyncio.sleep(0.4)
    await ctx.send(f"now {ctx.guild.get_member(member.id).display_name}")


@bot.command()
async def role(
    ctx: commands.Context,
    action: typing.Literal["add", "remove"],
    member: discord.Member,
    *,
    role: discord.Role,
) -> None:
    await (member.add_roles if action == "add" else member.remove_roles)(role, reason="asked for")
    await asyncio.sleep(0.4)
    await ctx.send(f"{member.name}: {[r.name for r in ctx.guild.get_member(member.id).roles]}")


@bot.command()
async def kick(ctx: commands.Context, member: discord.Member, *, reason: str) -> None:
    await member.kick(reason=reason)
    await ctx.send(f"kicked {member}")


@bot.command()
async def ban(ctx: commands.Context, user: discord.User, *, reason: str) -> None:
    await ctx.guild.ban(user, reason=reason, delete_message_days=0)
    bans = [f"{entry.user.name}: {entry.reason}" async for entry in ctx.guild.bans()]
    await ctx.send(f"bans {bans}")


@bot.command()
async def unban(ctx: commands.Context, user: discord.User) -> None:
    await ctx.guild.unban(user)
    await ctx.send(f"bans {[entry async for entry in ctx.guild.bans()]}")


@bot.command()
async def lock(ctx: commands.Context) -> None:
    everyone = ctx.guild.default_role
    await ctx.channel.set_permissions(everyone, send_messages=False, reason="quiet")
    await asyncio.sleep(0.4)
    told = ctx.channel.overwrites_for(everyone)
    await ctx.channel.set_permissions(everyone, overwrite=None)
    await ctx.send(f"locked {told.send_messages}")


@bot.command()
async def slow(ctx: commands.Context, seconds: int) -> None:
    await ctx.channel.edit(slowmode_delay=seconds, topic="slowly")
    await asyncio.sleep(0.4)
    await ctx.send(f"{ctx.channel.slowmode_delay} {ctx.channel.topic}")


@bot.command()
async def audit(ctx: commands.Context) -> None:
    entries = [
        f"{entry.action.name} by {entry.user.name}: {entry.reason}"
        async for entry in ctx.guild.audit_logs(limit=20, action=discord.AuditLogAction.kick)
    ]
    await ctx.send(f"{entries}")


@bot.event
async def on_member_ban(guild: discord.Guild, user: discord.User) -> None:
    channel = discord.utils.get(guild.text_channels, name="moderation")
    await channel.send(f"event: {user.name} banned, has event {len(guild.members)}")


@bot.event
async def on_member_unban(guild: discord.Guild, user: discord.User) -> None:
    await discord.utils.get(guild.text_channels, name="moderation").send(f"event: {user.name} unbanned")


@bot.event
async def on_command_error(ctx: commands.Context, error: commands.CommandError) -> None:
    if isinstance(error, commands.CommandInvokeError):
        error = error.original
    await ctx.send(f"{type(error).__name__}: {str(error)[:150]}")


bot.run(os.environ["DISCORD_TOKEN"])
