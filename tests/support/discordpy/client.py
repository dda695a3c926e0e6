"""A discord.py client that receives guilds as a worker does from ws, without a connection."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy.guild_cache import GuildCache
from nescord_core.bot.discordpy.parser_feed import ParserFeed
from nescord_core.envelope import Envelope
from nescord_core.payloads import payload_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["SESSION", "USER", "ToldClient", "shard"]

SESSION = "s1"
USER = {"id": "1", "username": "bot", "discriminator": "0", "avatar": None}


def shard(
    guilds: Iterable[pb.GuildSnapshot],
    *,
    session: str = SESSION,
    seq: int = 10,
    shared: bool = True,
    user: Mapping[str, Any] = USER,
    **more: Any,
) -> pb.Snapshot:
    """A single message with all of shard 0, current at an event."""
    return pb.Snapshot(
        shard_count=1,
        kept=True,
        session_id=session,
        seq=seq,
        ready=msgspec.json.encode({"user": user}),
        guilds=guilds,
        first=True,
        last=True,
        intents=discord.Intents.all().value,
        shared=shared,
        **more,
    )


class ToldClient(discord.Client):
    """Shard 0 of 1."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents.all(), guild_ready_timeout=0.01, chunk_guilds_at_startup=False
        )
        self.cache = GuildCache(self, lambda _shard, _count: None, self._greet)
        self._delivery = ParserFeed(self, self.cache, timeout=1.0, end=lambda _: None)

    def _greet(self, shard_id: int) -> None:
        pass

    async def begin(self) -> None:
        """Do what login does."""
        await self._async_setup_hook()

    async def take(self, message: pb.Snapshot | pb.Share) -> None:
        """Receive guilds."""
        if isinstance(message, pb.Share):
            await self.cache.change(message)
        else:
            await self.cache.take(message)

    async def handle(self, kind: str, seq: int, guild_id: int, data: bytes) -> None:
        """Receive an event."""
        envelope = Envelope(0, SESSION, seq, kind, guild_id, guild_id, data, time.time())
        payload = payload_of(envelope, time.time())
        await self._delivery.take(payload, payload.event)
