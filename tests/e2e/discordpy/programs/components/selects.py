"""A select menu with a check of its user, and an answer for everybody else."""

import os

import discord
from discord.ext import commands

intents = discord.Intents.default()
intents.message_content = True
bot = commands.Bot(command_prefix="!", intents=intents)


class Colours(discord.ui.View):
    def __init__(self, owner: int) -> None:
        super().__init__(timeout=60)
        self.owner = owner

    async def interaction_check(self, interaction: discord.Interaction) -> bool:
        if interaction.user.id == self.owner:
            return True
        await interaction.response.send_message("not yours", ephemeral=True)
        return False

    @discord.ui.select(
        custom_id="colour",
        max_values=2,
        options=[discord.SelectOption(label=each) for each in ("red", "green", "blue")],
    )
    async def choose(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        await interaction.response.send_message("you like " + " and ".join(select.values))


@bot.command()
async def colour(ctx: commands.Context) -> None:
    await ctx.send("which?", view=Colours(ctx.author.id))


bot.run(os.environ["DISCORD_TOKEN"])
