"""A task in the background that waits until the bot is ready."""

import os

import discord
from discord.ext import commands, tasks

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())
bot.beats = 0


@tasks.loop(seconds=0.2, count=3)
async def beat() -> None:
    bot.beats += 1


@beat.before_loop
async def wait() -> None:
    await bot.wait_until_ready()


@beat.after_loop
async def note() -> None:
    bot.finished = True


@bot.command()
async def beats(ctx: commands.Context) -> None:
    await beat.get_task()
    await ctx.send(f"{bot.beats} beats, ready: {bot.is_ready()}, closed: {bot.is_closed()}, {bot.finished}")


@bot.event
async def setup_hook() -> None:
    beat.start()


bot.run(os.environ["DISCORD_TOKEN"])
