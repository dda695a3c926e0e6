"""`listener.gateway`: sends commands over the gateway connection and collects their responses."""

from __future__ import annotations

import asyncio
import itertools
import secrets
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

from nescord_core.bot.gateway import requests
from nescord_core.bot.gateway.requests import Chunks, Command, Members, Opcode
from nescord_core.errors import GatewayCommandError
from nescord_core.payloads import (
    ChannelInfo,
    GuildMembersChunk,
    RateLimited,
    SoundboardSound,
    SoundboardSounds,
    View,
)

__all__ = ["ANSWERS", "Gateway", "Members", "SendCommand"]

ANSWERS = frozenset({"GUILD_MEMBERS_CHUNK", "SOUNDBOARD_SOUNDS", "CHANNEL_INFO", "RATE_LIMITED"})
"""Events that may answer a command; the runtime passes them to `Gateway.answer` before any handler."""

TIMEOUT = 60.0
"""Seconds: long enough to be rate limited once and retry.

All members of a guild may be requested once in 30 s, see
https://discord.com/developers/docs/change-log#introducing-rate-limit-when-requesting-all-guild-members
"""

_Waiting = tuple[str, int | str]


class SendCommand(Protocol):
    """The sending function of a `Gateway`, usually `Receiver.command`."""

    async def __call__(
        self, *, shard_id: int | None, guild_id: int | None, op: int, data: bytes, deadline: float
    ) -> None: ...


class Gateway:
    """Sends gateway commands while the listener runs; before that every method raises GatewayCommandError.

    Every ``timeout`` is in seconds: for ws to send the command, and for each part of the response. Invalid
    arguments raise ValueError before anything is sent.
    """

    def __init__(self) -> None:
        self._send: SendCommand | None = None
        self._waiting: dict[_Waiting, list[asyncio.Queue[View]]] = {}
        self._nonces = itertools.count(1)
        self._nonce_prefix = ""

    def connect(self, send: SendCommand) -> None:
        """Use this function for sending; called by the runtime."""
        self._send = send
        # Unique among replicas and their successors, so that none takes another's chunks for its own.
        self._nonce_prefix = secrets.token_hex(8)

    def disconnect(self) -> None:
        """Send no more commands."""
        self._send = None

    async def update_presence(
        self,
        *,
        status: str = "online",
        activities: Sequence[Mapping[str, Any]] = (),
        since: int | None = None,
        afk: bool = False,
        shard_id: int | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Set the bot's presence on one shard, or on all if ``shard_id`` is None.

        ``status`` is online, dnd, idle, invisible or offline. An activity is a dict with ``name``, and
        ``type`` (0 playing, the default, ... 4 custom, whose text goes into ``state``). ``since`` is in
        milliseconds since the epoch.
        """
        await self._command(
            requests.presence(status, activities, since, afk), timeout=timeout, shard_id=shard_id
        )

    async def update_voice_state(
        self,
        guild_id: int,
        channel_id: int | None,
        *,
        self_mute: bool = False,
        self_deaf: bool = False,
        timeout: float = TIMEOUT,
    ) -> None:
        """Join or move to a voice channel, or leave with ``channel_id`` None.

        Discord answers with VOICE_STATE_UPDATE and VOICE_SERVER_UPDATE.
        """
        command = requests.voice_state(guild_id, channel_id, self_mute, self_deaf)
        await self._command(command, timeout=timeout, guild_id=guild_id)

    async def request_guild_members(
        self,
        guild_id: int,
        query: str = "",
        limit: int = 0,
        *,
        user_ids: Iterable[int] | None = None,
        presences: bool = False,
        timeout: float = TIMEOUT,
    ) -> Members:
        """Return members of a guild: all, those whose name starts with ``query``, or the ``user_ids``.

        All of them needs the GUILD_MEMBERS intent; ``presences`` needs GUILD_PRESENCES. More than 100
        ``user_ids`` are split into several requests. If Discord rate limits the request, it is repeated after
        the time that Discord gives. Raises GatewayCommandError.
        """
        if user_ids is None:
            return await self._members(guild_id, query, limit, None, presences, timeout)
        found = Members()
        for part in requests.user_id_parts(user_ids):
            members = await self._members(guild_id, query, limit, part, presences, timeout)
            found += members
            found.not_found += members.not_found
            found.presences += members.presences
        return found

    async def request_soundboard_sounds(
        self, guild_ids: Iterable[int], *, timeout: float = TIMEOUT
    ) -> dict[int, list[SoundboardSound]]:
        """Return the soundboard sounds of guilds, by guild id.

        The responses carry no nonce, so they reach the replica that has the guild: call this from a handler
        of that guild's events. Raises GatewayCommandError if one does not arrive.
        """
        found: dict[int, list[SoundboardSound]] = {}
        # One guild per command: a command reaches one shard, and only that shard's guilds.
        for guild_id in dict.fromkeys(guild_ids):
            command = requests.soundboard_sounds([guild_id])
            answer = await self._request(command, guild_id, ("SOUNDBOARD_SOUNDS", guild_id), timeout)
            assert isinstance(answer, SoundboardSounds)
            found[guild_id] = answer.soundboard_sounds or []
        return found

    async def request_channel_info(
        self,
        guild_id: int,
        fields: Sequence[str] = requests.CHANNEL_FIELDS,
        *,
        timeout: float = TIMEOUT,
    ) -> ChannelInfo:
        """Return the status and start time of the guild's voice channels, where set."""
        command = requests.channel_info(guild_id, fields)
        answer = await self._request(command, guild_id, ("CHANNEL_INFO", guild_id), timeout)
        assert isinstance(answer, ChannelInfo)
        return answer

    async def send(
        self,
        op: int,
        data: bytes,
        *,
        shard_id: int | None = None,
        guild_id: int | None = None,
        timeout: float = TIMEOUT,
    ) -> None:
        """Send any command: its opcode and the JSON of its ``d``; on all shards if none is given."""
        await self._command(Command(Opcode(op), data), timeout=timeout, shard_id=shard_id, guild_id=guild_id)

    def answer(self, payload: View) -> None:
        """Process an event that may answer a command, without blocking."""
        if not self._waiting:
            return  # reading the nonce of a chunk would decode 1000 members for nobody
        for key in _keys_of(payload):
            for queue in self._waiting.get(key, ()):
                queue.put_nowait(payload)

    async def _members(
        self,
        guild_id: int,
        query: str,
        limit: int,
        user_ids: Sequence[int] | None,
        presences: bool,
        timeout: float,
    ) -> Members:
        nonce = f"{self._nonce_prefix}{next(self._nonces):x}"
        command = requests.guild_members(guild_id, query, limit, user_ids, presences, nonce)
        chunks = Chunks()
        with self._expect(("GUILD_MEMBERS_CHUNK", nonce)) as queue:
            await self._command(command, timeout=timeout, guild_id=guild_id)
            while True:
                part = await self._next(queue, command, guild_id, timeout)
                if isinstance(part, GuildMembersChunk) and chunks.add(part):
                    return chunks.members()

    async def _request(self, command: Command, guild_id: int, answer: _Waiting, timeout: float) -> View:
        with self._expect(answer) as queue:
            await self._command(command, timeout=timeout, guild_id=guild_id)
            return await self._next(queue, command, guild_id, timeout)

    async def _next(
        self, queue: asyncio.Queue[View], command: Command, guild_id: int, timeout: float
    ) -> View:
        """Return the next part of a response; when rate limited, wait, repeat the request and continue."""
        while isinstance(part := await self._part(queue, command, guild_id, timeout), RateLimited):
            if part.retry_after > timeout:
                raise _rejection(command, guild_id, part.retry_after, timeout)
            await asyncio.sleep(part.retry_after)
            await self._command(command, timeout=timeout, guild_id=guild_id)
        return part

    async def _part(
        self, queue: asyncio.Queue[View], command: Command, guild_id: int, timeout: float
    ) -> View:
        try:
            async with asyncio.timeout(timeout):
                return await queue.get()
        except TimeoutError:
            raise GatewayCommandError(
                f"Discord did not answer opcode {command.op} ({command.op.name}) for guild {guild_id}"
                f" within {timeout:g} s.",
                hint="Check that the bot is in that guild and bot.intents has the intents the request needs.",
            ) from None

    @contextmanager
    def _expect(self, key: _Waiting) -> Iterator[asyncio.Queue[View]]:
        queue: asyncio.Queue[View] = asyncio.Queue()
        self._waiting.setdefault(key, []).append(queue)
        try:
            yield queue
        finally:
            self._waiting[key].remove(queue)
            if not self._waiting[key]:
                del self._waiting[key]

    async def _command(
        self, command: Command, *, timeout: float, shard_id: int | None = None, guild_id: int | None = None
    ) -> None:
        if self._send is None:
            raise GatewayCommandError(
                "Gateway commands need a running listener.",
                hint="Send them from a handler, not at import time.",
            )
        await self._send(
            shard_id=shard_id, guild_id=guild_id, op=command.op, data=command.data, deadline=timeout
        )


def _keys_of(payload: View) -> Iterator[_Waiting]:
    """Yield the keys under which a request may wait for the event."""
    if isinstance(payload, GuildMembersChunk) and payload.nonce:
        yield "GUILD_MEMBERS_CHUNK", payload.nonce
    elif isinstance(payload, SoundboardSounds):
        yield "SOUNDBOARD_SOUNDS", payload.guild_id
    elif isinstance(payload, ChannelInfo):
        yield "CHANNEL_INFO", payload.guild_id
    elif isinstance(payload, RateLimited) and payload.meta is not None:
        if payload.meta.nonce:
            yield "GUILD_MEMBERS_CHUNK", payload.meta.nonce
        name = {
            Opcode.REQUEST_SOUNDBOARD_SOUNDS: "SOUNDBOARD_SOUNDS",
            Opcode.REQUEST_CHANNEL_INFO: "CHANNEL_INFO",
        }
        if payload.opcode in name and payload.meta.guild_id:
            yield name[Opcode(payload.opcode)], payload.meta.guild_id


def _rejection(command: Command, guild_id: int, retry_after: float, timeout: float) -> GatewayCommandError:
    return GatewayCommandError(
        f"Discord rejects opcode {command.op} ({command.op.name}) for guild {guild_id} for another"
        f" {retry_after:g} s, longer than the timeout of {timeout:g} s.",
        hint="All members may be requested once in 30 s: reuse the result, or pass a longer timeout.",
    )
