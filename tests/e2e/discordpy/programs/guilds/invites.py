"""Makes and lists invites, channels and roles."""

import os

import discord
from discord.ext import commands

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())


@bot.event
async def on_invite_create(invite: discord.Invite) -> None:
    await invite.channel.send(f"invite by {invite.inviter.name} for {invite.max_uses} uses")


@bot.command()
async def invite(ctx: commands.Context) -> None:
    made = await ctx.channel.create_invite(max_uses=3)
    found = await ctx.channel.invites()
    await ctx.send(f"made: {made.code in {each.code for each in found}}")


@bot.command()
async def world(ctx: commands.Context) -> None:
    guild = ctx.guild
    names = sorted(member.name for member in guild.members)
    mine, roles = guild.me.guild_permissions.administrator, len(guild.roles)
    await ctx.send(
        f"{len(bot.guilds)} {guild.name} {guild.member_count} {len(names)} {names[:9]} {roles} {mine}"
    )


bot.run(os.environ["DISCORD_TOKEN"])
