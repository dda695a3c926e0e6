"""Every way to answer an interaction: deferred, followed up, edited, deleted, with files and views."""

import asyncio
import io
import os

import discord
from discord import app_commands
from discord.ext import commands

bot = commands.Bot("!", intents=discord.Intents.default())


class Group(app_commands.Group):
    """Answers."""

    @app_commands.command()
    async def late(self, interaction: discord.Interaction) -> None:
        """After thinking"""
        await interaction.response.defer(thinking=True)
        await asyncio.sleep(0.2)
        message = await interaction.followup.send("first", wait=True)
        await message.edit(content="first, edited")
        await interaction.followup.send("second", file=discord.File(io.BytesIO(b"x"), "x.txt"))
        await interaction.followup.send(embed=discord.Embed(title="third"), ephemeral=True)

    @app_commands.command()
    async def original(self, interaction: discord.Interaction) -> None:
        """The first answer"""
        await interaction.response.send_message("one", ephemeral=False)
        message = await interaction.original_response()
        edited = await interaction.edit_original_response(content=f"{message.content}, two")
        await interaction.channel.send(
            f"{edited.content} {edited.id == message.id} {interaction.response.is_done()}"
        )
        await interaction.delete_original_response()
        await interaction.channel.send("deleted")

    @app_commands.command()
    async def twice(self, interaction: discord.Interaction) -> None:
        """Answered twice"""
        await interaction.response.send_message("once")
        try:
            await interaction.response.send_message("twice")
        except discord.InteractionResponded as error:
            await interaction.followup.send(type(error).__name__)

    @app_commands.command()
    async def callback(self, interaction: discord.Interaction) -> None:
        """What an answer returns"""
        response = await interaction.response.send_message("hi", silent=True)
        await interaction.followup.send(
            f"{response.type.name} {response.message_id == response.resource.id} {interaction.locale.name}"
            f" {interaction.guild.name} {interaction.app_permissions.send_messages}"
            f" {interaction.command.qualified_name} {interaction.user.guild_permissions.kick_members}"
            f" {interaction.context.guild} {interaction.entitlements}"
        )

    @app_commands.command()
    async def upload(self, interaction: discord.Interaction, text: str, loud: bool = False) -> None:
        """A file"""
        file = discord.File(
            io.BytesIO((text.upper() if loud else text).encode()), "text.txt", description="it"
        )
        await interaction.response.send_message("look", file=file)
        sent = await interaction.original_response()
        read = await sent.attachments[0].read()
        await interaction.followup.send(f"{read.decode()} {sent.attachments[0].description}")

    @app_commands.command()
    async def confirm(self, interaction: discord.Interaction) -> None:
        """Ask back"""
        view = Confirm()
        await interaction.response.send_message("sure?", view=view)
        await view.wait()
        await interaction.edit_original_response(content=f"value {view.value}", view=None)
        await interaction.channel.send("confirmed")


class Confirm(discord.ui.View):
    value: bool | None = None

    @discord.ui.button(label="Yes", style=discord.ButtonStyle.green)
    async def yes(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        self.value = True
        await interaction.response.defer()
        self.stop()

    @discord.ui.button(label="No")
    async def no(self, interaction: discord.Interaction, button: discord.ui.Button) -> None:
        self.value = False
        await interaction.response.send_message("no, then", ephemeral=True)
        self.stop()


@bot.event
async def setup_hook() -> None:
    bot.tree.add_command(Group(name="answer", description="Answers"))
    await bot.tree.sync()


bot.run(os.environ["DISCORD_TOKEN"])
