"""A bot of several shards that records its events."""

import asyncio
import os

import discord
from discord.ext import commands

bot = commands.AutoShardedBot(command_prefix="!", intents=discord.Intents.all())
bot.noted = []


@bot.event
async def on_shard_ready(shard_id: int) -> None:
    bot.noted.append(f"shard {shard_id}")


@bot.event
async def on_ready() -> None:
    bot.noted.append("ready")


@bot.event
async def on_guild_join(guild: discord.Guild) -> None:
    bot.noted.append("join")


@bot.command()
async def noted(ctx: commands.Context) -> None:
    await bot.wait_until_ready()
    await asyncio.sleep(0.1)
    await ctx.send(f"{bot.noted} {sorted(bot.shards)} {bot.shard_count} {ctx.guild.shard_id}")


bot.run(os.environ["DISCORD_TOKEN"])
