"""A question with two buttons. They go on working after a reload: what they mean stands in their id."""

import discord
from discord import Interaction, app_commands
from discord.ext import commands


class Question(discord.ui.View):
    """Persistent: no time-out, and every button has an id of its own."""

    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Yes", style=discord.ButtonStyle.green, custom_id="poll:yes")
    async def yes(self, interaction: Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.send_message(f"{interaction.user.name} says yes.")

    @discord.ui.button(label="No", style=discord.ButtonStyle.red, custom_id="poll:no")
    async def no(self, interaction: Interaction, _button: discord.ui.Button) -> None:
        await interaction.response.send_message(f"{interaction.user.name} says no.")


class Polls(commands.Cog):
    @app_commands.command()
    @app_commands.describe(question="what to ask")
    async def poll(self, interaction: Interaction, question: str) -> None:
        """Asks everybody."""
        await interaction.response.send_message(question, view=Question())


async def setup(bot) -> None:
    bot.add_view(Question())
    await bot.add_cog(Polls())
