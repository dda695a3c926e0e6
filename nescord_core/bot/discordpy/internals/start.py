"""The start of a client's shards: discord.py's wait for guilds and their members, and ours in its place."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, cast

import discord
from discord.state import AutoShardedConnectionState

from nescord_core.bot.discordpy.internals.client import State, auto_sharded

__all__ = [
    "OwnStart",
    "await_guilds",
    "cancel_ready",
    "finish_start",
    "hold_guilds",
    "is_held",
    "members_wanted",
    "request_members",
]

OwnStart = Coroutine[Any, Any, None]
"""Makes a shard ready instead of discord.py's wait for guilds."""


def cancel_ready(client: discord.Client, shard_id: int) -> None:
    """Cancel what still waits for the guilds of a shard's previous session, as READY does."""
    state = client._connection
    if state._ready_task is not None:
        state._ready_task.cancel()
    several = auto_sharded(client)
    if several is not None and shard_id in several._ready_tasks:
        several._ready_tasks[shard_id].cancel()
        several.clear_chunk_requests(shard_id)


def is_held(state: State, guild: discord.Guild) -> bool:
    """Return whether guild_available waits for further guilds, as discord.py would request members meanwhile.

    ws may have brought these members with the guild.
    """
    return state._chunk_guilds and not (state._intents.presences and not guild.large)


def hold_guilds(state: State) -> None:
    """Make discord.py's wait for guilds hold those that come with the members it would request.

    Otherwise such a guild would be available before the next one arrives, which its handlers may need.
    """
    needs_chunking, chunk_guild = state._guild_needs_chunking, state.chunk_guild

    def needs(guild: discord.Guild) -> bool:
        return needs_chunking(guild) or (_awaits_guilds(state, guild) and is_held(state, guild))

    async def chunk(guild: discord.Guild, *, wait: bool = True, cache: bool | None = None) -> Any:
        if wait or members_wanted(state, guild):
            return await cast(Any, chunk_guild)(guild, wait=wait, cache=cache)
        here: asyncio.Future[list[discord.Member]] = asyncio.get_running_loop().create_future()
        here.set_result(list(guild.members))
        return here

    changed: Any = state
    changed._guild_needs_chunking, changed.chunk_guild = needs, chunk


def _awaits_guilds(state: State, guild: discord.Guild) -> bool:
    if isinstance(state, AutoShardedConnectionState):
        return guild.shard_id in state._ready_states
    return hasattr(state, "_ready_state")


def members_wanted(state: State, guild: discord.Guild) -> bool:
    """Return whether discord.py would request this guild's members at the start."""
    complete = guild._member_count is not None and len(guild._members) >= guild._member_count
    return not complete and state._guild_needs_chunking(guild)


async def request_members(state: State, guild: discord.Guild) -> None:
    """Request a guild's members and wait for them as long as discord.py does."""
    asked = await state.chunk_guild(guild, wait=False)
    async with asyncio.timeout(state._chunk_timeout(guild)):
        await asked


def await_guilds(client: discord.Client, shard_id: int, here: Iterable[discord.Guild]) -> None:
    """Treat GUILD_CREATEs that follow, and the guilds that are here, as part of the start.

    They fire guild_available, not guild_join.
    """
    state = auto_sharded(client)
    if state is not None:
        arrived = state._ready_states[shard_id] = asyncio.Queue()
    else:
        plain = client._connection
        if not hasattr(plain, "_ready_state"):
            plain._ready_state = asyncio.Queue()
        arrived = plain._ready_state
    for guild in here:
        arrived.put_nowait(guild)


def finish_start(client: discord.Client, starting: dict[int, OwnStart | None]) -> None:
    """Fire ready once all shards are, by our coroutine or (None) by discord.py's wait for guilds."""
    state = auto_sharded(client)
    if state is None:
        _end_plain_start(client._connection, starting)
        return
    for shard_id, own in starting.items():
        coroutine = own if own is not None else state._delay_shard_ready(shard_id)
        state._ready_tasks[shard_id] = asyncio.create_task(coroutine)
    if len(state._ready_tasks) == len(state.shard_ids):
        state._ready_task = asyncio.create_task(state._delay_ready())


def _end_plain_start(state: State, starting: dict[int, OwnStart | None]) -> None:
    waits_for_guilds = None in starting.values()

    async def end() -> None:
        await asyncio.gather(*(each for each in starting.values() if each is not None))
        if waits_for_guilds:
            await state._delay_ready()
        else:
            state._ready_task = None
            state.call_handlers("ready")
            state.dispatch("ready")

    state._ready_task = asyncio.create_task(end())
