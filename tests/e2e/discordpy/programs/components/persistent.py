"""A persistent view and a dynamic item, which also answer after a restart."""

import os
import re

import discord
from discord.ext import commands


class Again(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Again", custom_id="persistent:again")
    async def again(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        await interaction.response.send_message("and again")


class Number(discord.ui.DynamicItem[discord.ui.Button], template=r"number:(?P<number>\d+)"):
    def __init__(self, number: int) -> None:
        super().__init__(discord.ui.Button(label=f"Number {number}", custom_id=f"number:{number}"))
        self.number = number

    @classmethod
    async def from_custom_id(
        cls, interaction: discord.Interaction, item: discord.ui.Button, match: re.Match[str]
    ) -> "Number":
        return cls(int(match["number"]))

    async def callback(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"number {self.number}")


class PersistentBot(commands.Bot):
    async def setup_hook(self) -> None:
        self.add_view(Again())
        self.add_dynamic_items(Number)


bot = PersistentBot(command_prefix="!", intents=discord.Intents.all())


@bot.command()
async def panel(ctx: commands.Context) -> None:
    view = Again()
    view.add_item(Number(7))
    await ctx.send("panel", view=view)


bot.run(os.environ["DISCORD_TOKEN"])
