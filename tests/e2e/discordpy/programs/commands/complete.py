"""Autocomplete and a transformer."""

import os

import discord
from discord import app_commands
from discord.ext import commands

FRUIT = ["apple", "apricot", "banana", "cherry"]


class Doubled(app_commands.Transformer):
    async def transform(self, interaction: discord.Interaction, value: str) -> int:
        return int(value) * 2


bot = commands.Bot(command_prefix="!", intents=discord.Intents.default())


@bot.tree.command(description="Eat")
async def eat(interaction: discord.Interaction, fruit: str) -> None:
    await interaction.response.send_message(f"ate {fruit}")


@eat.autocomplete("fruit")
async def fruits(interaction: discord.Interaction, current: str) -> list[app_commands.Choice[str]]:
    return [app_commands.Choice(name=each.title(), value=each) for each in FRUIT if each.startswith(current)]


@bot.tree.command(description="Twice")
async def twice(
    interaction: discord.Interaction, number: app_commands.Transform[int, Doubled], member: discord.Member
) -> None:
    await interaction.response.send_message(f"{number} {member.name}")


@bot.event
async def setup_hook() -> None:
    await bot.tree.sync()


bot.run(os.environ["DISCORD_TOKEN"])
