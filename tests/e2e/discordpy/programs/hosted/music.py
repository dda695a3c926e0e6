"""A music bot: joins, plays Opus packets without an encoder, moves, leaves, and joins again."""

import os

import discord
from discord.ext import commands

SILENCE = b"\xf8\xff\xfe"
"""A frame of Opus with 20 ms of silence."""


class Silence(discord.AudioSource):
    def __init__(self, seconds: float) -> None:
        self.left = int(seconds * 50)

    def read(self) -> bytes:
        self.left -= 1
        return SILENCE if self.left >= 0 else b""

    def is_opus(self) -> bool:
        return True


bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def join(ctx: commands.Context, channel: discord.VoiceChannel) -> None:
    if ctx.voice_client is None:
        voice = await channel.connect(timeout=20)
        await ctx.send(f"in {voice.channel.name} with {voice.mode}")
    else:
        await ctx.voice_client.move_to(channel)
        await ctx.send(f"moved to {ctx.voice_client.channel.name} {ctx.voice_client.is_connected()}")


@bot.command()
async def play(ctx: commands.Context, seconds: float) -> None:
    over = bot.loop.create_future()
    ctx.voice_client.play(
        Silence(seconds), after=lambda error: bot.loop.call_soon_threadsafe(over.set_result, error)
    )
    await ctx.send(f"played {await over}")


@bot.command()
async def connected(ctx: commands.Context) -> None:
    await ctx.send(f"{ctx.voice_client is not None and ctx.voice_client.is_connected()}")


@bot.command()
async def leave(ctx: commands.Context) -> None:
    await ctx.voice_client.disconnect()
    await ctx.send(f"left {ctx.guild.voice_client}")


bot.run(os.environ["DISCORD_TOKEN"])
