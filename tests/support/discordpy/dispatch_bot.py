"""A discord.py bot that records every event that its client dispatches, and what it can see at that moment.

It writes ``PID.json`` in DISPATCH_DIRECTORY at every dispatch. With DISPATCH_SHARDED set it is
an auto-sharded bot. With DISPATCH_CHUNKS it has no presences, so that discord.py requests members. Like many
bots, it loads a cog once its guilds are available. It waits a second for further guilds, on either transport:
on a busy machine they may be apart.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import discord
from discord.ext import commands

if TYPE_CHECKING or not os.environ.get("DISPATCH_SHARDED"):
    from discord.ext.commands import Bot as Base
else:
    from discord.ext.commands import AutoShardedBot as Base

PLACE = Path(os.environ["DISPATCH_DIRECTORY"])


class RecordingBot(Base):
    """Records what is dispatched, and when the listeners take their first step."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self.dispatched: list[list[Any]] = []
        self.guild_available = asyncio.Event()

    def dispatch(self, event: str, /, *args: Any, **more: Any) -> None:
        self.note(event, [plain(each) for each in args])
        super().dispatch(event, *args, **more)

    def note(self, event: str, args: list[Any]) -> None:
        self.dispatched.append([event, args, self._seen()])
        fresh = PLACE / f"{os.getpid()}.json~"
        fresh.write_text(json.dumps(self.dispatched))
        fresh.replace(PLACE / f"{os.getpid()}.json")

    def _seen(self) -> dict[str, Any]:
        available = [each for each in self.guilds if not each.unavailable]
        return {
            "guilds": len(self.guilds),
            "available": len(available),
            "members": sum(len(each.members) for each in available),
            "voice": sum(len(channel.members) for each in available for channel in each.voice_channels),
            "threads": sum(len(each.threads) for each in available),
            "user": self.user is not None and self.application_id is not None,
            "latency": math.isfinite(self.latency),
        }

    async def setup_hook(self) -> None:
        self.note("setup_hook", [])
        self.loop.create_task(self._load_cogs())

    async def _load_cogs(self) -> None:
        await self.guild_available.wait()
        await self.add_cog(Late())


class Late(commands.Cog):
    """Is loaded once a guild is available."""

    @commands.command()
    async def ping(self, context: commands.Context[RecordingBot]) -> None:
        await context.send(f"Pong! {round(context.bot.latency * 1000)} ms")


def plain(value: Any) -> Any:
    return value if isinstance(value, str | int | None) else getattr(value, "name", type(value).__name__)


intents = discord.Intents.all()
if os.environ.get("DISPATCH_CHUNKS"):
    intents.presences = False
bot = RecordingBot(command_prefix="!", intents=intents, guild_ready_timeout=1.0)


@bot.listen()
async def on_connect() -> None:
    bot.note("on_connect", [])


@bot.listen()
async def on_guild_available(guild: discord.Guild) -> None:
    bot.note("on_guild_available", [guild.name])
    bot.guild_available.set()


@bot.listen()
async def on_ready() -> None:
    bot.note("on_ready", [])


bot.run(os.environ["DISCORD_TOKEN"])
