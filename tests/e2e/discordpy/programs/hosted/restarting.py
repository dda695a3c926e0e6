"""Restarts itself on command, in the common ways, or exits."""

import os
import sys
from pathlib import Path

import discord
from discord.ext import commands

Path(sys.argv[0]).chmod(0o755)
bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def word(ctx):
    await ctx.send(f"{' '.join(sys.argv[1:])} {os.getpid()}")


@bot.command()
async def restart(ctx):
    await ctx.send("restarting")
    os.execv(sys.executable, ["python", *sys.argv])


@bot.command()
async def script(ctx):
    await ctx.send("script")
    os.execl(sys.argv[0], *sys.argv)


@bot.command()
async def close(ctx):
    await ctx.send("closing")
    await ctx.bot.close()


@bot.command()
async def die(ctx):
    await ctx.send("dying")
    sys.exit()


bot.run(os.environ["TOKEN"])
