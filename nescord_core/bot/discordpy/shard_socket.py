"""Stands in for discord.py's websocket: commands go to ws, and nothing is read."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any

import discord
import msgspec
from discord import gateway

from nescord_core.bot.discordpy.member_requests import MemberRequests
from nescord_core.bot.gateway.client import Gateway

__all__ = ["ShardSocket"]

log = logging.getLogger(__name__)


class ShardSocket(gateway.DiscordWebSocket):
    """One shard from the client's point of view; ws has the actual connection.

    ``shard_id`` None stands for all shards, for a client without sharding. discord.py's own code builds the
    payloads of presence, voice state and member requests.
    """

    def __init__(
        self,
        client: discord.Client,
        commands: Gateway,
        members: MemberRequests,
        shard_id: int | None,
        shard_count: int | None,
    ) -> None:
        # Skips discord.py's constructor, which needs an open socket.
        self.shard_id = shard_id
        self.shard_count = shard_count
        self.session_id = None
        self.sequence = None
        self.token = client.http.token
        self.loop = client.loop
        self.measured = float("nan")
        self._client = client
        self._commands = commands
        self._members = members
        self._keep_alive = None
        self._dispatch = client.dispatch
        self._dispatch_listeners = []
        self._closed = asyncio.Event()
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def open(self) -> bool:
        """Whether it is open."""
        return not self._closed.is_set()

    @property
    def latency(self) -> float:
        """The heartbeat latency that ws measures, in seconds."""
        return self.measured

    def is_ratelimited(self) -> bool:
        """Return False: commands queue in ws, which observes the limit."""
        return False

    async def send(self, data: str, /) -> None:
        """Let ws send a command on this shard, or on the shard of the guild that it names."""
        payload: dict[str, Any] = msgspec.json.decode(data)
        if self._client._enable_debug_events:
            self._dispatch("socket_raw_send", data)
        body = payload["d"]
        guild_id = int(body["guild_id"]) if isinstance(body, dict) and "guild_id" in body else None
        command = partial(
            self._commands.send,
            payload["op"],
            shard_id=self.shard_id if guild_id is None else None,
            guild_id=guild_id,
        )
        if payload["op"] == self.REQUEST_MEMBERS and body.get("nonce"):
            sending = self._members.send(body, command)
        else:
            sending = command(msgspec.json.encode(body))
        # On a websocket, no effect of a command can arrive before this returns, and programs rely on that:
        # discord.py waits for chunks from then on, a voice client forgets its channel after it has left.
        task = self.loop.create_task(sending)
        self._sending.add(task)
        task.add_done_callback(self._sent)

    def _sent(self, task: asyncio.Task[None]) -> None:
        self._sending.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("a gateway command was not sent: %s", error)

    async def send_heartbeat(self, data: Any) -> None:
        """Do nothing: ws sends the heartbeats."""

    async def poll_event(self) -> None:
        """Wait until it is closed; events arrive another way."""
        await self._closed.wait()

    async def close(self, code: int = 4000) -> None:
        """Close the shard; the session stays open in ws."""
        self._closed.set()
