"""Prefix commands with converters, checks, cooldowns and an error handler."""

import os

import discord
from discord.ext import commands

intents = discord.Intents.default()
intents.message_content = True
intents.members = True
bot = commands.Bot(command_prefix=commands.when_mentioned_or("!"), intents=intents)


@bot.command(aliases=["p"])
async def ping(ctx: commands.Context) -> None:
    await ctx.send("Pong!")


@bot.command()
async def add(ctx: commands.Context, one: int, two: int = 1) -> None:
    await ctx.reply(f"{one} + {two} = {one + two}")


@bot.command()
async def who(ctx: commands.Context, member: discord.Member, *, note: str = "nothing") -> None:
    await ctx.send(f"{member.name} of {ctx.guild.name}: {note}")


@bot.command()
@commands.is_owner()
async def secret(ctx: commands.Context) -> None:
    await ctx.send("never")


@bot.command()
@commands.cooldown(1, 60, commands.BucketType.user)
async def rare(ctx: commands.Context) -> None:
    await ctx.send("once a minute")


@bot.event
async def on_command_error(ctx: commands.Context, error: commands.CommandError) -> None:
    if isinstance(error, commands.CommandOnCooldown):
        await ctx.send("too fast")
    else:
        await ctx.send(f"{type(error).__name__}: {error}")


bot.run(os.environ["DISCORD_TOKEN"])
