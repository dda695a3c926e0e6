"""Hybrid commands: as a message and as a slash command."""

import os

import discord
from discord.ext import commands


class HybridBot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.tree.sync()


bot = HybridBot(command_prefix="!", intents=discord.Intents.all())


@bot.hybrid_command(description="Say hello")
async def hello(ctx: commands.Context, name: str = "you") -> None:
    kind = "slash" if ctx.interaction else "prefix"
    await ctx.send(f"hello {name} ({kind})")


@bot.hybrid_group(fallback="show")
async def tag(ctx: commands.Context) -> None:
    await ctx.send("the tag")


@tag.command()
async def make(ctx: commands.Context, name: str) -> None:
    await ctx.send(f"made {name}")


bot.run(os.environ["DISCORD_TOKEN"])
