"""A game that waits for messages and reactions."""

import os

import discord
from discord.ext import commands

bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())


def on(message: discord.Message):
    return lambda reaction, user: reaction.message.id == message.id and user != bot.user


@bot.command()
async def guess(ctx: commands.Context) -> None:
    await ctx.send("a number from 1 to 9?")

    def fits(message: discord.Message) -> bool:
        return message.author == ctx.author and message.channel == ctx.channel and message.content.isdigit()

    for _ in range(3):
        message = await bot.wait_for("message", check=fits, timeout=20)
        if message.content == "7":
            sent = await ctx.send("right! again?")
            reaction, user = await bot.wait_for("reaction_add", check=on(sent))
            await ctx.send(f"{user.name} says {reaction.emoji}")
            return
        await ctx.send("higher" if int(message.content) < 7 else "lower")


@bot.command()
async def quick(ctx: commands.Context) -> None:
    try:
        await bot.wait_for("message", check=lambda m: m.content == "never", timeout=0.3)
    except TimeoutError:
        await ctx.send("too slow")


bot.run(os.environ["DISCORD_TOKEN"])
