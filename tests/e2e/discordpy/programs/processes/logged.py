"""Has its own log next to discord.py's, and shows both; one of its threads never ends."""

import logging
import os
import queue
import tempfile
import threading
from pathlib import Path

import discord
from discord.ext import commands

HERE = Path(tempfile.mkdtemp())
threading.Thread(target=queue.SimpleQueue().get, name="archivist").start()
logging.basicConfig(filename=HERE / "own.log", level=logging.INFO, format="%(name)s: %(message)s")
log = logging.getLogger("librarian")

bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def note(ctx, *, text: str):
    log.info("%s says %s", ctx.author, text)
    log.debug("which nobody reads")
    await ctx.send("noted")


@bot.command()
async def show(ctx):
    lines = (HERE / "own.log").read_text().splitlines()
    await ctx.send("\n".join(line for line in lines if "librarian" in line))


@bot.command()
async def library(ctx):
    text = (HERE / "library.log").read_text()
    await ctx.send(f"{'logging in' in text} {logging.getLogger('discord').level} {logging.root.level}")


handler = logging.FileHandler(HERE / "library.log")
bot.run(os.environ["DISCORD_TOKEN"], log_handler=handler, log_level=logging.INFO)
