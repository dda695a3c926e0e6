"""A custom help command."""

import os

import discord
from discord.ext import commands


class Help(commands.MinimalHelpCommand):
    async def send_pages(self) -> None:
        for page in self.paginator.pages:
            await self.get_destination().send(embed=discord.Embed(title="Help", description=page))

    async def command_not_found(self, string: str) -> str:
        return f"no {string} here"


bot = commands.Bot(
    command_prefix="?", help_command=Help(), intents=discord.Intents.all(), description="A bot"
)


@bot.command(help="Says boo.", usage="[loud]")
async def boo(ctx: commands.Context, loud: bool = False) -> None:
    await ctx.send("BOO" if loud else "boo")


bot.run(os.environ["DISCORD_TOKEN"])
