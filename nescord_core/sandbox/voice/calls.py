"""The bot's calls: which voice connections the server accepts, and what came over them. Pure.

A call begins and ends with the bot's voice state, which decides when the bot is sent a voice server
(https://discord.com/developers/docs/topics/voice-connections#retrieving-voice-server-information).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

__all__ = ["MAX_BUFFERED", "Call", "Calls"]

MAX_BUFFERED = 64
"""Numbered payloads that a resume can bring."""
COMPARED = ("channel_id", "self_mute", "self_deaf", "mute", "deaf", "suppress", "self_video", "self_stream")


@dataclass(slots=True)
class Call:
    """The bot in a voice channel: what a client needs to connect, and what it has sent."""

    guild_id: int
    channel_id: int
    session_id: str
    token: str
    ssrc: int
    mode: str | None = None
    connection: int | None = None
    """The id of the connection; None while there is none."""
    described: bool = False
    speaking: bool = False
    packets: int = 0
    size: int = 0
    """Bytes of all packets."""
    discovery: tuple[bytes, Any] | None = None
    """The answer to the client's IP discovery, and its UDP address."""
    seq: int = -1
    buffered: deque[tuple[int, dict[str, Any]]] = field(default_factory=lambda: deque(maxlen=MAX_BUFFERED))
    """Numbered payloads, with their numbers."""

    def numbered(self, payload: dict[str, Any]) -> dict[str, Any]:
        """Return a payload with the next number; it is kept for a resume."""
        self.seq += 1
        made = {**payload, "seq": self.seq}
        self.buffered.append((self.seq, made))
        return made


class Calls:
    """The bot's calls by guild. ``make_token`` returns a new token."""

    def __init__(self, make_token: Callable[[], str]) -> None:
        self.by_guild: dict[int, Call] = {}
        self.by_ssrc: dict[int, Call] = {}
        self.stray_packets = 0
        """Packets that belong to no call."""
        self._make_token = make_token
        self._states: dict[int, tuple[Any, ...]] = {}
        self._next_ssrc = 1

    def on_voice_state(self, state: Mapping[str, Any]) -> tuple[Call | None, Call | None]:
        """Take the bot's voice state; returns the call that ends and the call that begins.

        A call begins when the bot joins or changes its channel, and when it asks for the same state again, as
        clients do to reconnect. Muting changes nothing.
        """
        guild_id = int(state["guild_id"])
        seen = tuple(state.get(name) for name in COMPARED)
        before, self._states[guild_id] = self._states.get(guild_id), seen
        if before is not None and before != seen and before[0] == seen[0]:
            return None, None
        ended = self.end(guild_id)
        if state.get("channel_id") is None:
            del self._states[guild_id]
            return ended, None
        begun = Call(
            guild_id, int(state["channel_id"]), str(state["session_id"]), self._make_token(), self._next_ssrc
        )
        self._next_ssrc += 1
        self.by_guild[guild_id] = self.by_ssrc[begun.ssrc] = begun
        return ended, begun

    def end(self, guild_id: int) -> Call | None:
        """End the call in a guild, if there is one."""
        ended = self.by_guild.pop(guild_id, None)
        if ended is not None:
            del self.by_ssrc[ended.ssrc]
        return ended

    def leave(self, guild_id: int) -> Call | None:
        """End the call in a guild that the bot has left."""
        self._states.pop(guild_id, None)
        return self.end(guild_id)

    def speaking(self) -> list[Call]:
        """Return the calls in which the bot speaks."""
        return [each for each in self.by_guild.values() if each.speaking]

    def count(self, ssrc: int | None, size: int) -> None:
        """Count a packet of sound."""
        call = self.by_ssrc.get(ssrc) if ssrc is not None else None
        if call is None or not call.described:
            self.stray_packets += 1
            return
        call.packets += 1
        call.size += size
