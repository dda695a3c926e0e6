"""A bot that is started by asyncio.run, beside other things, with a presence."""

import asyncio
import os

import discord
from discord.ext import commands

bot = commands.Bot(
    command_prefix="!",
    intents=discord.Intents.all(),
    activity=discord.Game("chess"),
    status=discord.Status.idle,
)


@bot.command()
async def state(ctx: commands.Context) -> None:
    queue: asyncio.Queue[str] = bot.queue
    await queue.put(ctx.author.name)
    await bot.change_presence(activity=discord.Game("go"))
    found = await ctx.guild.query_members("al", limit=5)
    names = [each.name for each in found]
    await ctx.send(f"{bot.user.name} {bot.application_id == bot.user.id} {names} {bot.shard_count}")


async def consume(queue: asyncio.Queue[str]) -> None:
    await bot.wait_until_ready()
    while True:
        name = await queue.get()
        channel = discord.utils.get(bot.get_all_channels(), name="by_hand")
        await channel.send(f"queued {name}")


async def main() -> None:
    bot.queue = asyncio.Queue()
    async with bot:
        consumer = asyncio.create_task(consume(bot.queue))
        try:
            await bot.start(os.environ["DISCORD_TOKEN"])
        finally:
            consumer.cancel()


asyncio.run(main())
