"""A firehose made inside the sandbox: messages at a rate, numbered per guild, to count loss, order, doubles.

The messages go to the gateway's sessions only: they are not kept, the page does not show them, and REST does
not find them. That is what makes thousands a second cheap.
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
"""Seconds between two looks at what is due."""
MAX_BURST = 256
"""Messages sent at a time, so that a load that is late does not keep the loop to itself."""
WORKER_BITS = 2 << 17
"""The worker bits of these messages' ids, so that they meet no id of the world."""
TEXT_CHANNEL = 0


class LoadPlan(msgspec.Struct, forbid_unknown_fields=True, frozen=True):
    """What POST /sandbox/load takes.

    ``rate`` is in messages per second over all guilds; the content of each is ``prefix`` and its number in
    its guild, from ``start`` on.
    """

    rate: float
    seconds: float
    guilds: int = 1
    start: int = 1
    prefix: str = "load "
    user: str = "alice"


@dataclass
class GuildTarget:
    """One guild of the load: the JSON around the parts that change."""

    guild_id: int
    channel_id: str
    next_number: int
    sent: int = 0
    before_content: bytes = b""
    after_content: bytes = b""


@dataclass
class Load:
    """One run; `report` may be asked while it goes on and afterwards."""

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
        """Return how many messages the whole run has."""
        return int(self.plan.rate * self.plan.seconds)

    def prepare(self) -> None:
        """Make the guilds that are missing. Raises ActionError."""
        plan = self.plan
        if plan.rate <= 0 or plan.seconds <= 0 or plan.guilds < 1:
            raise ActionError("rate and seconds must be more than 0, and guilds at least 1.")
        while len(self.world.guild_ids()) < plan.guilds:
            self.world.add_guild()
        author = self.world.find_user(plan.user).id
        self.targets = [self._target(each, author) for each in self.world.guild_ids()[: plan.guilds]]
        self.began_at = self.now()

    async def run(self) -> None:
        """Send what is due until all is sent; what came late is caught up with."""
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
    shown = {
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
    return msgspec.Raw(encode(shown)[1:])
