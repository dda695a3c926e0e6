"""Error messages of commands; unexpected errors are logged."""

import logging

import discord
from discord import app_commands
from discord.ext import commands

log = logging.getLogger(__name__)

EXPECTED = (
    commands.UserInputError,
    commands.CheckFailure,
    commands.CommandOnCooldown,
    app_commands.CheckFailure,  # cooldowns included
    app_commands.TransformerError,
)


def explain(error: Exception, command: str) -> str:
    """Return the message for the member who used the command."""
    if isinstance(error, EXPECTED):
        return str(error)
    log.error("%s failed", command, exc_info=error)
    return "Something went wrong. It has been logged."


class Tree(app_commands.CommandTree[commands.Bot]):
    """The slash commands. Only the member who used one sees its error message."""

    async def on_error(
        self,
        interaction: discord.Interaction[commands.Bot],
        error: app_commands.AppCommandError,
        /,
    ) -> None:
        """Respond, or follow up if the command has responded already."""
        command = interaction.command
        name = command.qualified_name if command else "a command"
        text = explain(error, f"/{name}")
        if interaction.response.is_done():
            await interaction.followup.send(text, ephemeral=True)
        else:
            await interaction.response.send_message(text, ephemeral=True)
