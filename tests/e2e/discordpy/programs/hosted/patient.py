"""Starts slowly, has commands that take long, and threads of its own and of a library."""

import asyncio
import os
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import discord
from discord.ext import commands

library = HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
threading.Thread(target=library.serve_forever, name="of-a-library").start()


class Patient(commands.Bot):
    async def setup_hook(self):
        await self.warm_up()

    async def warm_up(self):
        await asyncio.sleep(2)


bot = Patient("!", intents=discord.Intents.all())


@bot.command()
async def play(ctx):
    await ctx.send("playing")
    await asyncio.sleep(60)


@bot.command()
async def chess(ctx):
    await ctx.send("checking")
    await asyncio.sleep(60)


bot.run(os.environ["TOKEN"])
