"""Slash commands in groups, with choices and a deferred answer."""

import os

import discord
from discord import app_commands

client = discord.Client(intents=discord.Intents.default())
tree = app_commands.CommandTree(client)
math = app_commands.Group(name="math", description="Numbers")


@math.command(description="Add")
async def plus(interaction: discord.Interaction, one: int, two: int) -> None:
    await interaction.response.send_message(f"{one + two}")


@math.command(description="Pick")
@app_commands.choices(
    kind=[app_commands.Choice(name="Even", value=2), app_commands.Choice(name="Odd", value=1)]
)
async def pick(interaction: discord.Interaction, kind: app_commands.Choice[int]) -> None:
    await interaction.response.defer()
    await interaction.followup.send(f"{kind.name} {kind.value}")


@tree.command(description="Fails")
async def broken(interaction: discord.Interaction) -> None:
    raise RuntimeError("on purpose")


@tree.error
async def failed(interaction: discord.Interaction, error: app_commands.AppCommandError) -> None:
    await interaction.response.send_message(f"sorry: {error}", ephemeral=True)


tree.add_command(math)


@client.event
async def setup_hook() -> None:
    await tree.sync()


client.run(os.environ["DISCORD_TOKEN"])
