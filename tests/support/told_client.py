"""A discord.py client that is told of its guilds as ws tells a worker, without a wire between."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy.arrival import Arrival
from nescord_core.bot.discordpy.delivery import Delivery
from nescord_core.envelope import Envelope
from nescord_core.payloads import payload_of
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["SESSION", "ToldClient"]

SESSION = "s1"


class ToldClient(discord.Client):
    """Shard 0 of 1; there is one session."""

    def __init__(self) -> None:
        super().__init__(
            intents=discord.Intents.all(), guild_ready_timeout=0.01, chunk_guilds_at_startup=False
        )
        self._arrival = Arrival(self, lambda _shard, _count: None, self._greet)
        self._delivery = Delivery(self, self._arrival, timeout=1.0, end=lambda _: None)

    async def _greet(self, shard_id: int) -> None:
        pass

    async def begin(self, user: Mapping[str, Any], seq: int, guilds: Iterable[pb.GuildPicture]) -> None:
        """Be told of all guilds as of an event, and of the bot's own user."""
        await self._async_setup_hook()  # as login does
        await self._arrival.take(
            pb.Snapshot(
                shard_count=1,
                kept=True,
                session_id=SESSION,
                seq=seq,
                ready=msgspec.json.encode({"user": user}),
                guilds=guilds,
                first=True,
                last=True,
                intents=discord.Intents.all().value,
            )
        )

    async def learn(self, seq: int, *guilds: pb.GuildPicture) -> None:
        """Be told of some guilds once more, as of an event."""
        await self._arrival.change(pb.Share(session_id=SESSION, seq=seq, guilds=guilds))

    async def forget(self, seq: int, *guild_ids: int) -> None:
        """Be told that guilds are not there any more."""
        await self._arrival.change(pb.Share(session_id=SESSION, seq=seq, gone=guild_ids))

    async def handle(self, kind: str, seq: int, guild_id: int, data: bytes) -> None:
        """Take an event."""
        envelope = Envelope(0, SESSION, seq, kind, guild_id, guild_id, data, time.time())
        payload = payload_of(envelope, time.time())
        await self._delivery.take(payload, payload.event)
