"""Menus of every kind: strings, roles, users, channels, mentionables; with defaults."""

import os

import discord
from discord.ext import commands


class Menus(discord.ui.View):
    def __init__(self, guild: discord.Guild) -> None:
        super().__init__()
        self.guild = guild

    @discord.ui.select(cls=discord.ui.RoleSelect, placeholder="roles", max_values=2, custom_id="roles")
    async def roles(self, interaction: discord.Interaction, select: discord.ui.RoleSelect) -> None:
        roles = [role for role in select.values if role.is_assignable() or True]
        await interaction.response.defer(ephemeral=True, thinking=True)
        await interaction.user.add_roles(*roles)
        await interaction.followup.send(f"you get {[r.name for r in roles]}", ephemeral=True)

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="users", min_values=0, max_values=3)
    async def users(self, interaction: discord.Interaction, select: discord.ui.UserSelect) -> None:
        await interaction.response.send_message(
            f"{[(type(user).__name__, user.name) for user in select.values]}"
        )

    @discord.ui.select(
        cls=discord.ui.ChannelSelect,
        channel_types=[discord.ChannelType.text, discord.ChannelType.voice],
        custom_id="channels",
    )
    async def channels(self, interaction: discord.Interaction, select: discord.ui.ChannelSelect) -> None:
        channel = select.values[0].resolve() or await select.values[0].fetch()
        await interaction.response.edit_message(content=f"chosen {channel.name} {channel.type}")

    @discord.ui.select(cls=discord.ui.MentionableSelect, custom_id="any", max_values=2)
    async def mentionables(
        self, interaction: discord.Interaction, select: discord.ui.MentionableSelect
    ) -> None:
        await interaction.response.send_message(
            f"{sorted((type(it).__name__, it.name) for it in select.values)}"
        )
        self.stop()

    @discord.ui.select(
        custom_id="plain",
        options=[
            discord.SelectOption(label="One", value="1", description="the first", emoji="1️⃣"),
            discord.SelectOption(label="Two", value="2", default=True),
        ],
    )
    async def strings(self, interaction: discord.Interaction, select: discord.ui.Select) -> None:
        raise RuntimeError(f"{select.values} went wrong")

    async def on_error(
        self, interaction: discord.Interaction, error: Exception, item: discord.ui.Item
    ) -> None:
        await interaction.response.send_message(f"{type(item).__name__}: {error}")


bot = commands.Bot("!", intents=discord.Intents.all())


@bot.command()
async def menu(ctx: commands.Context) -> None:
    view = Menus(ctx.guild)
    await ctx.send("choose", view=view)
    ended = await view.wait()
    await ctx.send(f"timed out: {ended}")


bot.run(os.environ["DISCORD_TOKEN"])
