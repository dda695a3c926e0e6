"""Describes a discord.py client for people."""

from __future__ import annotations

from typing import Any

import discord
from discord.ext import commands

from nescord_core.plurals import counted

__all__ = ["described"]


def described(client: discord.Client) -> str:
    """Return the library, and how many commands the client has: those of a prefix and of the application."""
    unknown: Any = client
    prefixed = 0
    if isinstance(client, commands.Bot | commands.AutoShardedBot):
        prefixed = len(client.commands) - (client.help_command is not None)  # discord.py's own
    tree = getattr(unknown, "tree", None)
    of_application = len(tree.get_commands()) if isinstance(tree, discord.app_commands.CommandTree) else 0
    counts = {"command": prefixed, "application command": of_application}
    return ", ".join(["discord.py", *(counted(number, noun) for noun, number in counts.items() if number)])
