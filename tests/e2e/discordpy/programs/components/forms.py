"""Modals with several fields, with labels and menus in them, and one that fails."""

import os

import discord
from discord import app_commands


class Application(discord.ui.Modal, title="Apply"):
    name = discord.ui.TextInput(label="Name", min_length=2, max_length=30)
    age = discord.ui.TextInput(label="Age", required=False, placeholder="years")
    about = discord.ui.TextInput(label="About", style=discord.TextStyle.paragraph, default="nothing")

    async def on_submit(self, interaction: discord.Interaction) -> None:
        years = int(self.age.value) if self.age.value else None
        await interaction.response.send_message(f"{self.name.value}, {years}, {self.about.value}")

    async def on_error(self, interaction: discord.Interaction, error: Exception) -> None:
        await interaction.response.send_message(f"bad: {type(error).__name__}", ephemeral=True)


class Survey(discord.ui.Modal, title="Survey"):
    intro = discord.ui.TextDisplay("Please choose.")
    colour = discord.ui.Label(
        text="Colour",
        description="the best one",
        component=discord.ui.Select(
            custom_id="colour",
            options=[discord.SelectOption(label="Red"), discord.SelectOption(label="Blue")],
        ),
    )
    friend = discord.ui.Label(text="Friend", component=discord.ui.UserSelect(custom_id="friend"))
    why = discord.ui.Label(
        text="Why",
        component=discord.ui.TextInput(custom_id="why", style=discord.TextStyle.long, required=False),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        colour, friend, why = self.colour.component, self.friend.component, self.why.component
        await interaction.response.send_message(
            f"{colour.values} {[user.name for user in friend.values]} {why.value!r}"
        )


class FormClient(discord.Client):
    def __init__(self) -> None:
        super().__init__(intents=discord.Intents.default())
        self.tree = app_commands.CommandTree(self)

    async def setup_hook(self) -> None:
        await self.tree.sync()


client = FormClient()


@client.tree.command()
async def apply(interaction: discord.Interaction) -> None:
    """Apply for something"""
    modal = Application()
    await interaction.response.send_modal(modal)
    await modal.wait()
    await interaction.followup.send("the form was sent")


@client.tree.command()
async def survey(interaction: discord.Interaction) -> None:
    """Answer questions"""
    await interaction.response.send_modal(Survey())


@client.tree.context_menu(name="Report")
async def report(interaction: discord.Interaction, message: discord.Message) -> None:
    class Report(discord.ui.Modal, title="Report"):
        reason = discord.ui.TextInput(label="Reason", custom_id="reason")

        async def on_submit(self, inner: discord.Interaction) -> None:
            await inner.response.send_message(f"{message.content!r} reported: {self.reason}", ephemeral=True)

    await interaction.response.send_modal(Report())


client.run(os.environ["DISCORD_TOKEN"])
