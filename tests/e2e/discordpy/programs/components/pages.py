"""Pages of an embed, turned by buttons."""

import os

import discord
from discord.ext import commands

PAGES = ["first", "second", "third"]
bot = commands.Bot(command_prefix="!", intents=discord.Intents.all())


class Pages(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=120)
        self.page = 0

    def embed(self) -> discord.Embed:
        embed = discord.Embed(title=PAGES[self.page], description="text", colour=discord.Colour.blue())
        embed.set_footer(text=f"{self.page + 1}/{len(PAGES)}")
        return embed

    async def turn(self, interaction: discord.Interaction, by: int) -> None:
        self.page = (self.page + by) % len(PAGES)
        await interaction.response.edit_message(embed=self.embed(), view=self)

    @discord.ui.button(label="<", custom_id="back")
    async def back(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await self.turn(interaction, -1)

    @discord.ui.button(label=">", custom_id="next")
    async def forward(self, interaction: discord.Interaction, _: discord.ui.Button) -> None:
        await self.turn(interaction, 1)


@bot.command()
async def book(ctx: commands.Context) -> None:
    view = Pages()
    await ctx.send(embed=view.embed(), view=view)


bot.run(os.environ["DISCORD_TOKEN"])
