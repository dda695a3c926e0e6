"""Generates load: messages at a steady rate, numbered per guild to count loss, disorder and duplicates.

The messages go to the gateway's sessions only. They are not stored, the page does not show them and REST does
not find them, which makes thousands a second cheap.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from nescord_core.sandbox.gateway.event_filter import encode
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = ["Load", "LoadPlan"]

SEND_INTERVAL = 0.005
"""Seconds between two bursts."""
MAX_BURST = 256
"""Messages sent at a time, so that a load that is behind does not block the event loop."""
WORKER_BITS = 2 << 17
"""The worker bits of these messages' ids, which no id of the world has."""
TEXT_CHANNEL = 0


class LoadPlan(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """The body of POST /sandbox/load.

    ``rate`` is in messages per second over all guilds. The content of a message is ``prefix`` and its number
    in its guild, counted from ``start``.
    """

    rate: float
    seconds: float
    guilds: int = 1
    start: int = 1
    prefix: str = "load "
    user: str = "alice"


@dataclass
class GuildTarget:
    """A guild of the load, with the JSON around the parts of a message that change."""

    guild_id: int
    channel_id: str
    next_number: int
    sent: int = 0
    before_content: bytes = b""
    after_content: bytes = b""


@dataclass
class Load:
    """One run of load; `report` works during the run and after it."""

    world: World
    gateway: GatewayServer
    plan: LoadPlan
    now: Callable[[], float]
    wall_clock: Callable[[], float]
    targets: list[GuildTarget] = field(default_factory=list)
    began_at: float = 0.0
    ended_at: float | None = None
    sent: int = 0
    stopped: bool = False
    _last_ms: int = 0
    _sequence: int = 0

    @property
    def total(self) -> int:
        """The number of messages of the whole run."""
        return int(self.plan.rate * self.plan.seconds)

    def prepare(self) -> None:
        """Create missing guilds. Raises ActionError."""
        plan = self.plan
        if plan.rate <= 0 or plan.seconds <= 0 or plan.guilds < 1:
            raise ActionError("rate and seconds must be greater than 0, and guilds at least 1.")
        while len(self.world.guild_ids()) < plan.guilds:
            self.world.add_guild()
        author = self.world.find_user(plan.user).id
        self.targets = [self._target(each, author) for each in self.world.guild_ids()[: plan.guilds]]
        self.began_at = self.now()

    async def run(self) -> None:
        """Send messages at the rate until all are sent; catches up when it is behind."""
        try:
            while self.sent < self.total and not self.stopped:
                due = min(int((self.now() - self.began_at) * self.plan.rate), self.total) - self.sent
                for _ in range(min(due, MAX_BURST)):
                    self._send(self.targets[self.sent % len(self.targets)])
                await asyncio.sleep(0 if due > MAX_BURST else SEND_INTERVAL)
        finally:
            self.ended_at = self.now()

    def report(self) -> dict[str, Any]:
        """Return the progress, with the first and last number of every guild."""
        elapsed = (self.ended_at if self.ended_at is not None else self.now()) - self.began_at
        return {
            "running": self.ended_at is None,
            "rate": self.plan.rate,
            "seconds": self.plan.seconds,
            "wanted": self.total,
            "sent": self.sent,
            "elapsed": round(elapsed, 3),
            "guilds": {
                str(each.guild_id): {
                    "channel": each.channel_id,
                    "sent": each.sent,
                    "first": self.plan.start,
                    "last": each.next_number - 1,
                }
                for each in self.targets
            },
        }

    def _target(self, guild_id: int, author: int) -> GuildTarget:
        channels = [each for each in self.world.channels(guild_id) if each["type"] == TEXT_CHANNEL]
        if not channels:
            raise ActionError(f"Guild {guild_id} has no text channel for the load.", status=409)
        member = self.world.member(guild_id, author)
        target = GuildTarget(guild_id, channels[0]["id"], self.plan.start)
        shape = encode(_message(target, member))
        # The id comes first and the content last but one field: see `_message`.
        target.before_content, target.after_content = shape.split(b"CONTENT")
        return target

    def _send(self, target: GuildTarget) -> None:
        content = encode(f"{self.plan.prefix}{target.next_number}")
        now = self.wall_clock()
        head = b'{"id":"%d","timestamp":"%b",' % (self._id(now), _timestamp(now))
        tail = target.after_content
        full = head + target.before_content + content[1:-1] + tail
        self.gateway.publish_encoded(
            "MESSAGE_CREATE", full, head + target.before_content + tail, target.guild_id
        )
        target.next_number += 1
        target.sent += 1
        self.sent += 1

    def _id(self, wall_clock: float) -> int:
        ms = max(int(wall_clock * 1000) - DISCORD_EPOCH_MS, self._last_ms)
        self._sequence = self._sequence + 1 if ms == self._last_ms else 0
        self._last_ms = ms
        return (ms << 22) | WORKER_BITS | (self._sequence & (WORKER_BITS - 1))


def _timestamp(wall_clock: float) -> bytes:
    return datetime.fromtimestamp(wall_clock, tz=UTC).isoformat(timespec="microseconds").encode()


def _message(target: GuildTarget, member: Mapping[str, Any]) -> msgspec.Raw:
    payload = {
        "type": 0,
        "tts": False,
        "pinned": False,
        "mentions": [],
        "mention_roles": [],
        "mention_everyone": False,
        "member": {key: value for key, value in member.items() if key != "user"},
        "guild_id": str(target.guild_id),
        "flags": 0,
        "embeds": [],
        "edited_timestamp": None,
        "components": [],
        "channel_id": target.channel_id,
        "author": member["user"],
        "attachments": [],
        "content": "CONTENT",
    }
    # Without the opening brace: id and timestamp are put in front.
    return msgspec.Raw(encode(payload)[1:])
