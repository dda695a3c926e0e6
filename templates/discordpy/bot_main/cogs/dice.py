"""The same command twice: as a prefix command, and as a slash command with options."""

import random
from typing import Any

import discord
from discord import app_commands
from discord.ext import commands

from bot_main.dice import MAX_COUNT, MAX_SIDES, Dice


class DiceConverter(commands.Converter[Dice]):
    """Reads `2d6` in a message."""

    async def convert(self, ctx: commands.Context[Any], argument: str) -> Dice:
        try:
            return Dice.parse(argument)
        except ValueError as error:
            raise commands.BadArgument(str(error)) from error


DICE = commands.parameter(
    converter=DiceConverter, default=Dice(1, 6), description="like 2d6 or d20"
)


class DiceCog(commands.Cog, name="Dice"):
    """Games of chance."""

    def __init__(self) -> None:
        self.chance = random.Random()

    @commands.command()
    async def roll(
        self, ctx: commands.Context[commands.Bot], dice: Dice = DICE
    ) -> None:
        """Roll dice."""
        await ctx.send(dice.roll(self.chance))

    @app_commands.command(name="roll")
    @app_commands.describe(
        count="How many dice",
        sides="How many sides each has",
        secret="Show the result only to you",
    )
    @app_commands.checks.cooldown(5, 10.0)  # per person: 5 times in 10 seconds
    async def roll_slash(
        self,
        interaction: discord.Interaction,
        count: app_commands.Range[int, 1, MAX_COUNT] = 1,
        sides: app_commands.Range[int, 2, MAX_SIDES] = 6,
        secret: bool = False,
    ) -> None:
        """Roll dice."""
        result = Dice(count, sides).roll(self.chance)
        await interaction.response.send_message(result, ephemeral=secret)


async def setup(bot: commands.Bot) -> None:
    await bot.add_cog(DiceCog())
