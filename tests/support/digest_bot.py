"""A discord.py bot that writes down what is in its cache: when it is ready, and when it is told to.

DIGEST_DIRECTORY is where; ``ready-PID`` carries the time of on_ready.
"""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

sys.path.insert(0, os.environ["DIGEST_SUPPORT"])

import discord
from discord import app_commands

from nescord_core.bot.discordpy import guild_count, member_count
from support.cache_digest import of_client, rights

PLACE = Path(os.environ["DIGEST_DIRECTORY"])
client = discord.Client(intents=discord.Intents.all())
tree = app_commands.CommandTree(client)


def write(name: str, content: object) -> None:
    fresh = PLACE / f"{name}~"
    fresh.write_text(json.dumps(content))
    fresh.replace(PLACE / name)


def memory() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@client.event
async def on_ready() -> None:
    facts = {"at": time.time(), "rss_mb": memory(), "cpu_s": time.process_time()}
    write(f"ready-{os.getpid()}", facts | {"guilds": len(client.guilds)})


@client.event
async def on_message(message: discord.Message) -> None:
    if message.content.startswith("!digest "):
        name = f"{message.content.split()[1]}-{os.getpid()}"
        totals = [guild_count(client), member_count(client)]
        write(name, {"cache": of_client(client), "rights": rights(client), "totals": totals})


@tree.command()
async def now(interaction: discord.Interaction, number: int) -> None:
    """Answer."""
    await interaction.response.send_message(str(number))


if os.environ.get("DIGEST_SYNC"):

    @client.event
    async def setup_hook() -> None:
        await tree.sync()


client.run(os.environ["DISCORD_TOKEN"])
