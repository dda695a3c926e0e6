"""A modal that a slash command opens."""

import os

import discord
from discord import app_commands

client = discord.Client(intents=discord.Intents.default())
tree = app_commands.CommandTree(client)


class Feedback(discord.ui.Modal, title="Feedback"):
    name = discord.ui.TextInput(label="Name", custom_id="name")
    text = discord.ui.TextInput(label="Text", custom_id="text", style=discord.TextStyle.long, required=False)

    async def on_submit(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"thanks {self.name.value}: {self.text.value}")


@tree.command(description="Tell us")
async def feedback(interaction: discord.Interaction) -> None:
    await interaction.response.send_modal(Feedback())


@client.event
async def setup_hook() -> None:
    await tree.sync()


client.run(os.environ["DISCORD_TOKEN"])
