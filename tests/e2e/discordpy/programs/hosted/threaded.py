"""Runs in a thread, and uses the main thread for something else."""

import os
import threading

import discord
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def word(ctx):
    await ctx.send(f"threaded {os.getpid()} {threading.current_thread() is threading.main_thread()}")


threading.Thread(target=bot.run, args=(os.environ["TOKEN"],)).start()
