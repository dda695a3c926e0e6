"""Commands with a prefix, and one with a slash."""

import random

from discord import Interaction, app_commands
from discord.ext import commands


def flip(chance=random) -> str:
    return chance.choice(("heads", "tails"))


class Fun(commands.Cog):
    @commands.command()
    async def choose(self, context, *options: str) -> None:
        """Chooses for you: !choose tea coffee"""
        if not options:
            await context.send("Name what I may choose from.")
            return
        await context.send(random.choice(options))

    @app_commands.command()
    async def coin(self, interaction: Interaction) -> None:
        """Flips a coin."""
        await interaction.response.send_message(f"It is {flip()}.")


async def setup(bot) -> None:
    await bot.add_cog(Fun())
