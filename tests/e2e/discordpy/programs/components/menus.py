"""Context menus for users and messages."""

import os

import discord
from discord import app_commands

client = discord.Client(intents=discord.Intents.default())
tree = app_commands.CommandTree(client)


@tree.context_menu(name="Shout")
async def shout(interaction: discord.Interaction, message: discord.Message) -> None:
    await interaction.response.send_message(message.content.upper())


@tree.context_menu(name="Name")
async def name(interaction: discord.Interaction, member: discord.Member) -> None:
    await interaction.response.send_message(f"this is {member.name}", ephemeral=True)


@client.event
async def setup_hook() -> None:
    await tree.sync()


client.run(os.environ["DISCORD_TOKEN"])
