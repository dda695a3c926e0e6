"""Buttons that change their message, and one that ends the view."""

import os

import discord
from discord.ext import commands

intents = discord.Intents.default()
intents.message_content = True
bot = commands.Bot(command_prefix="!", intents=intents)


class Counter(discord.ui.View):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @discord.ui.button(label="0", style=discord.ButtonStyle.primary, custom_id="count")
    async def up(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        self.count += 1
        button.label = str(self.count)
        await interaction.response.edit_message(view=self)

    @discord.ui.button(label="Done", custom_id="done")
    async def done(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.edit_message(content=f"ended at {self.count}", view=None)
        self.stop()


@bot.command()
async def counter(ctx: commands.Context) -> None:
    view = Counter()
    await ctx.send("count", view=view)
    await view.wait()
    await ctx.send("the view has ended")


bot.run(os.environ["DISCORD_TOKEN"])
