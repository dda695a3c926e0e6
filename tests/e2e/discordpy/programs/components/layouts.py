"""Layouts: containers, sections, galleries, files and rows in one message."""

import io
import os

import discord
from discord import ui
from discord.ext import commands


class Counter(ui.ActionRow):
    def __init__(self) -> None:
        super().__init__()
        self.count = 0

    @ui.button(label="More", custom_id="more")
    async def more(self, interaction: discord.Interaction, button: ui.Button) -> None:
        self.count += 1
        self.view.text.content = f"# {self.count}"
        await interaction.response.edit_message(view=self.view)


class Page(ui.LayoutView):
    def __init__(self) -> None:
        super().__init__(timeout=60)
        self.text = ui.TextDisplay("# 0")
        self.row = Counter()
        container = ui.Container(self.text, accent_colour=discord.Colour.green())
        container.add_item(ui.Separator(spacing=discord.SeparatorSpacing.large))
        button = ui.Button(label="Beside", custom_id="beside")
        button.callback = self.beside
        container.add_item(ui.Section("one", "two", accessory=button))
        container.add_item(
            ui.Section("picture", accessory=ui.Thumbnail("https://example.com/a.png", description="a"))
        )
        gallery = ui.MediaGallery()
        gallery.add_item(media="https://example.com/b.png", description="b", spoiler=True)
        container.add_item(gallery)
        container.add_item(ui.File("attachment://data.txt"))
        self.add_item(container)
        self.add_item(self.row)
        self.add_item(ui.ActionRow(ui.Select(custom_id="pick", options=[discord.SelectOption(label="A")])))

    async def beside(self, interaction: discord.Interaction) -> None:
        await interaction.response.send_message(f"items: {self.total_children_count}", ephemeral=True)


bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def page(ctx: commands.Context) -> None:
    view = Page()
    file = discord.File(io.BytesIO(b"data"), "data.txt")
    sent = await ctx.send(view=view, file=file)
    fetched = await ctx.channel.fetch_message(sent.id)
    bot.kinds = [type(each).__name__ for each in fetched.components]
    bot.inner = [type(each).__name__ for each in fetched.components[0].children]
    bot.flags = fetched.flags.components_v2


@bot.command()
async def kinds(ctx: commands.Context) -> None:
    await ctx.send(f"{bot.kinds} {bot.inner} {bot.flags}")


bot.run(os.environ["DISCORD_TOKEN"])
