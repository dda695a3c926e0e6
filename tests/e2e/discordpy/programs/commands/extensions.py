"""Cogs that are loaded, listen to events and are reloaded."""

import os

import discord
from discord.ext import commands


class CogBot(commands.Bot):
    async def setup_hook(self) -> None:
        await self.load_extension("cogs.counting")


bot = CogBot(command_prefix="!", intents=discord.Intents.all())


@bot.command()
async def again(ctx: commands.Context) -> None:
    await bot.reload_extension("cogs.counting")
    await ctx.send(f"cogs: {', '.join(bot.cogs)}")


bot.run(os.environ["DISCORD_TOKEN"])
