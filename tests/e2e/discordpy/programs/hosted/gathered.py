"""Runs beside other work that never ends, in one loop."""

import asyncio
import os

import discord
from aiohttp import web
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def word(ctx):
    await ctx.send(f"gathered {os.getpid()}")


async def page():
    app = web.Application()
    app.router.add_get("/", lambda _request: asyncio.sleep(0, web.Response(text=f"gathered {os.getpid()}")))
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", int(os.environ["PAGE_PORT"])).start()
    try:
        await asyncio.Event().wait()
    finally:
        await runner.cleanup()
        print("the page is cleared away", flush=True)


async def main():
    async with bot:
        await asyncio.gather(page(), bot.start(os.environ["TOKEN"]))


asyncio.run(main())
