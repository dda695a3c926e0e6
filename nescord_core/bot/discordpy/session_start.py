"""Dispatches what discord.py dispatches when a shard's session begins, for guilds that come as a snapshot.

The order is that of discord.py's own `parse_ready`, `parse_guild_create` and `_delay_ready`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable

import discord

from nescord_core.bot.discordpy import internals

__all__ = ["SessionStart"]

log = logging.getLogger(__name__)


class SessionStart:
    """The start of a client's shards; ``greet`` is called with each shard that begins."""

    def __init__(self, client: discord.Client, greet: Callable[[int], object]) -> None:
        self._client = client
        self._state = internals.connection(client)
        internals.hold_guilds(self._state)
        self._greet = greet
        self.is_connected = False
        """Whether the client has begun a session."""
        self._starting: dict[int, internals.OwnStart | None] = {}

    @property
    def _is_plain(self) -> bool:
        return internals.auto_sharded(self._client) is None

    async def connected(self, shard_id: int, guild_ids: Iterable[int], *, is_fresh: bool) -> None:
        """Do what READY does, with guilds that are not available yet.

        A client without shards connects once, however many shards ws has.
        """
        internals.cancel_ready(self._client, shard_id)
        self._state.dispatch("socket_event_type", "READY")
        internals.expect_guilds(self._state, guild_ids)
        if not (self._is_plain and self.is_connected and is_fresh):
            self._state.dispatch("connect")
        self.is_connected = True
        if not self._is_plain:
            self._state.dispatch("shard_connect", shard_id)
        await asyncio.sleep(0)  # the listeners take their first step before the guilds arrive

    def arriving(self) -> None:
        """Do what discord.py does before it parses a GUILD_CREATE."""
        self._state.dispatch("socket_event_type", "GUILD_CREATE")

    def complete(
        self, shard_id: int, guilds: list[discord.Guild], *, waits_for_guilds: bool, is_last: bool
    ) -> None:
        """Make a shard ready whose guilds are here, except those that GUILD_CREATE brings.

        The client is ready after the last of its shards.
        """
        if waits_for_guilds:
            internals.await_guilds(self._client, shard_id, guilds)
            self._greet(shard_id)
            self._starting[shard_id] = None
        else:
            self._starting[shard_id] = self._make_ready(shard_id, guilds)
        if not self._is_plain or is_last:
            starting, self._starting = self._starting, {}
            internals.finish_start(self._client, starting)

    async def _make_ready(self, shard_id: int, guilds: list[discord.Guild]) -> None:
        """Request the members that ws does not have; then the shard is ready."""
        try:
            self._greet(shard_id)
            held = [each for each in guilds if internals.is_held(self._state, each)]
            ids = {each.id for each in held}
            for guild in guilds:
                if guild.id not in ids:
                    await self._announce(guild)
            for guild in held:
                await self.request_members([guild])
                await self._announce(guild)
        except asyncio.CancelledError:
            return  # another session has started; as in discord.py, others wait for this task to end
        if not self._is_plain:
            self._state.dispatch("shard_ready", shard_id)

    async def _announce(self, guild: discord.Guild) -> None:
        self._state.dispatch("guild_available", guild)
        await asyncio.sleep(0)

    async def request_members(self, guilds: Iterable[discord.Guild]) -> None:
        """Request the members of guilds that lack some, and wait for them as long as discord.py does."""
        for guild in guilds:
            if internals.members_wanted(self._state, guild):
                try:
                    await internals.request_members(self._state, guild)
                except TimeoutError:
                    log.warning("the members of guild %d did not arrive in time", guild.id)
