"""A discord.py bot that writes a description of its cache to files, when it is ready and on request.

It writes to DIGEST_DIRECTORY; ``ready-PID`` has the time of on_ready. With DIGEST_WATCH set, a file
``ask-NAME`` requests another description, NAME-PID; ``fired`` lists the events about whole guilds. With
DIGEST_SHARDED set it is an auto-sharded client.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, os.environ["DIGEST_SUPPORT"])

import discord
from discord import app_commands

from nescord_core.bot.discordpy import guild_count, member_count
from support.discordpy.cache_digest import of_client, rights

if TYPE_CHECKING or not os.environ.get("DIGEST_SHARDED"):
    from discord import Client as Base
else:
    from discord import AutoShardedClient as Base

PLACE = Path(os.environ["DIGEST_DIRECTORY"])
NOTED = {"ready", "guild_join", "guild_remove", "guild_available", "guild_unavailable"}
fired: list[list[str]] = []


class Client(Base):
    """Records events about whole guilds."""

    def dispatch(self, event: str, /, *args: Any, **more: Any) -> None:
        if event in NOTED:
            fired.append([event, *(str(each.id) for each in args)])
        super().dispatch(event, *args, **more)

    async def setup_hook(self) -> None:
        if os.environ.get("DIGEST_WATCH"):
            self.loop.create_task(answer())
        if os.environ.get("DIGEST_SYNC"):
            await tree.sync()


client = Client(intents=discord.Intents.all())
tree = app_commands.CommandTree(client)


def asks() -> Iterator[str]:
    for each in PLACE.glob("ask-*[0-9]"):
        yield each.name.removeprefix("ask-")


async def answer() -> None:
    """Describe the cache whenever a file requests it."""
    answered: set[str] = set()
    while True:
        for asked in sorted(set(asks()) - answered):
            answered.add(asked)
            write(f"{asked}-{os.getpid()}", {"cache": of_client(client), "fired": fired})
        await asyncio.sleep(0.02)


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
    """Respond."""
    await interaction.response.send_message(str(number))


client.run(os.environ["DISCORD_TOKEN"])
