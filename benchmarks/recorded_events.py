"""The events that the recorded gateway replays: a world of guilds, and what happens in it, made from a seed.

BENCH_GUILDS sets the number of guilds (default 40).
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Iterator
from typing import Any

__all__ = ["BOT", "GUILDS", "World", "encode", "payloads", "start"]

GUILDS, CHANNELS, MEMBERS = int(os.environ.get("BENCH_GUILDS", "40")), 20, 50
BOT = 1191168914227200000
FIRST = 1100000000000000000
SEED = 20250101
WORDS = [
    "the",
    "build",
    "is",
    "green",
    "again",
    "who",
    "broke",
    "deploy",
    "tomorrow",
    "please",
    "review",
    "thanks",
    "🎉",
    "nice",
    "server",
    "restart",
    "at",
    "noon",
    "ok",
    "später",
    "https://example.org/a/long/link?with=query",
]
MIX = {
    "MESSAGE_CREATE": 42,
    "PRESENCE_UPDATE": 20,
    "TYPING_START": 12,
    "MESSAGE_UPDATE": 8,
    "MESSAGE_REACTION_ADD": 8,
    "GUILD_MEMBER_UPDATE": 4,
    "VOICE_STATE_UPDATE": 3,
    "MESSAGE_DELETE": 3,
}


class World:
    """Guilds, channels and users, and a random sequence of events among them."""

    def __init__(self) -> None:
        self.chance = random.Random(SEED)
        self.guilds = [FIRST + (number << 22) for number in range(GUILDS)]
        self.message = FIRST + (1 << 50)
        self.sent: list[tuple[int, int, int]] = []

    def user(self, number: int) -> dict[str, Any]:
        return {
            "id": str(FIRST + (1 << 40) + number),
            "username": f"person_{number}",
            "global_name": f"Person {number}",
            "discriminator": "0",
            "avatar": hashlib.md5(str(number).encode()).hexdigest(),
            "public_flags": 64,
            "clan": None,
            "primary_guild": None,
            "avatar_decoration_data": None,
        }

    def member(self, number: int) -> dict[str, Any]:
        return {
            "roles": [str(FIRST + (1 << 41) + number % 5)],
            "nick": None if number % 3 else f"nick {number}",
            "avatar": None,
            "joined_at": "2021-05-01T12:00:00.000000+00:00",
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "flags": 0,
            "pending": False,
            "communication_disabled_until": None,
        }

    def ready(self, url: str, shard: tuple[int, int]) -> dict[str, Any]:
        return {
            "v": 10,
            "shard": shard,
            "user": {
                "id": str(BOT),
                "username": "bench",
                "discriminator": "0000",
                "avatar": None,
                "bot": True,
            },
            "guilds": [{"id": str(guild), "unavailable": True} for guild in self.guilds],
            "session_id": "recorded",
            "resume_gateway_url": url,
            "application": {"id": str(BOT), "flags": 0},
            "private_channels": [],
            "relationships": [],
        }

    def guild(self, guild: int) -> dict[str, Any]:
        index = self.guilds.index(guild)
        people = range(index * MEMBERS, (index + 1) * MEMBERS)
        channels: list[dict[str, Any]] = [
            {
                "id": str(self.channel(guild, n)),
                "type": 2 if n == 0 else 0,
                "name": f"channel-{n}",
                "position": n,
            }
            | {"permission_overwrites": [], "parent_id": None, "nsfw": False, "topic": None, "flags": 0}
            | (
                {"bitrate": 64000, "user_limit": 0, "rtc_region": None}
                if n == 0
                else {"last_message_id": None}
            )
            for n in range(CHANNELS)
        ]
        roles = [
            {"id": str(role), "name": "role", "color": 0, "colors": {"primary_color": 0}, "hoist": False}
            | {
                "position": 0,
                "permissions": "1071698660929",
                "managed": False,
                "mentionable": False,
                "flags": 0,
            }
            for role in (guild, *(FIRST + (1 << 41) + n for n in range(5)))
        ]
        return {
            "id": str(guild),
            "name": f"Guild {index}",
            "owner_id": self.user(people[0])["id"],
            "member_count": MEMBERS,
            "large": False,
            "unavailable": False,
            "joined_at": "2021-05-01T12:00:00+00:00",
            "channels": channels,
            "roles": roles,
            "members": [{**self.member(n), "user": self.user(n)} for n in people],
            **{
                name: []
                for name in ("threads", "presences", "voice_states", "emojis", "stickers", "features")
            },
            **{name: [] for name in ("stage_instances", "guild_scheduled_events", "soundboard_sounds")},
            **dict.fromkeys(("icon", "splash", "banner", "description", "afk_channel_id")),
            **dict.fromkeys(
                ("verification_level", "mfa_level", "premium_tier", "explicit_content_filter"), 0
            ),
            "default_message_notifications": 0,
            "premium_subscription_count": 0,
            "preferred_locale": "en-US",
            "afk_timeout": 300,
            "nsfw_level": 0,
            "system_channel_flags": 0,
        }

    def channel(self, guild: int, number: int) -> int:
        return guild + (1 << 21) + number

    def event(self, kind: str) -> dict[str, Any]:
        guild = self.chance.choice(self.guilds)
        number = self.guilds.index(guild) * MEMBERS + self.chance.randrange(MEMBERS)
        channel = self.channel(guild, self.chance.randrange(1, CHANNELS))
        location = {"guild_id": str(guild), "channel_id": str(channel)}
        match kind:
            case "MESSAGE_CREATE":
                return self.text(guild, channel, number)
            case "MESSAGE_UPDATE" | "MESSAGE_DELETE" | "MESSAGE_REACTION_ADD" if self.sent:
                return self.about_message(kind, number)
            case "PRESENCE_UPDATE":
                status = self.chance.choice(["online", "idle", "dnd", "offline"])
                game = {"name": "a game", "type": 0, "id": "ec0b28a579ecb4bd", "created_at": 1700000000000}
                activities = [] if number % 2 else [game]
                return {"user": {"id": self.user(number)["id"]}, "guild_id": str(guild), "status": status} | {
                    "activities": activities,
                    "client_status": {} if status == "offline" else {"desktop": status},
                }
            case "GUILD_MEMBER_UPDATE":
                return {**self.member(number), "user": self.user(number), "guild_id": str(guild)}
            case "VOICE_STATE_UPDATE":
                voice = {
                    "channel_id": str(self.channel(guild, 0)),
                    "guild_id": str(guild),
                    "session_id": "a" * 32,
                }
                flags = dict.fromkeys(
                    ("deaf", "mute", "self_deaf", "self_mute", "self_video", "suppress"), False
                )
                member = {**self.member(number), "user": self.user(number)}
                return {**voice, **flags, "user_id": member["user"]["id"], "member": member}
        member = {**self.member(number), "user": self.user(number)}
        return {**location, "user_id": member["user"]["id"], "timestamp": 1700000000, "member": member}

    def text(self, guild: int, channel: int, number: int) -> dict[str, Any]:
        self.message += 1 << 10
        self.sent = [*self.sent[-200:], (guild, channel, self.message)]
        text = " ".join(self.chance.choices(WORDS, k=self.chance.choice([2, 5, 9, 20, 60])))
        embeds = [{"type": "rich", "title": "Build", "description": text, "color": 5814783, "fields": []}]
        return {
            "id": str(self.message),
            "channel_id": str(channel),
            "guild_id": str(guild),
            "author": self.user(number),
            "member": self.member(number),
            "content": text,
            "timestamp": "2025-01-01T12:00:00.000000+00:00",
            "edited_timestamp": None,
            "embeds": embeds if self.chance.random() < 0.15 else [],
            **{name: [] for name in ("mentions", "mention_roles", "attachments", "components")},
            **dict.fromkeys(("tts", "mention_everyone", "pinned"), False),
            "type": 0,
            "channel_type": 0,
            "flags": 0,
            "nonce": str(self.message),
        }

    def about_message(self, kind: str, number: int) -> dict[str, Any]:
        guild, channel, message = self.chance.choice(self.sent)
        location = {"guild_id": str(guild), "channel_id": str(channel)}
        if kind == "MESSAGE_DELETE":
            return {**location, "id": str(message)}
        if kind == "MESSAGE_UPDATE":
            edited = {"edited_timestamp": "2025-01-01T12:05:00.000000+00:00"}
            return {**self.text(guild, channel, number), "id": str(message), **edited}
        member = {**self.member(number), "user": self.user(number)}
        emoji = {"id": None, "name": "👍"}
        return {
            **location,
            "user_id": member["user"]["id"],
            "message_id": str(message),
            "member": member,
            "emoji": emoji,
            "burst": False,
            "type": 0,
            "message_author_id": member["user"]["id"],
        }


def start(world: World, url: str, shard: tuple[int, int]) -> list[bytes]:
    """Return Hello and READY."""
    hello = {"op": 10, "d": {"heartbeat_interval": 36_000_000}, "s": None, "t": None}
    return [encode(hello), encode({"t": "READY", "s": 1, "op": 0, "d": world.ready(url, shard)})]


def payloads(world: World, events: int) -> Iterator[bytes]:
    """Yield a GUILD_CREATE for every guild, then ``events`` events."""
    for seq, guild in enumerate(world.guilds, 2):
        yield encode({"t": "GUILD_CREATE", "s": seq, "op": 0, "d": world.guild(guild)})
    kinds = world.chance.choices(list(MIX), weights=list(MIX.values()), k=events)
    for seq, kind in enumerate(kinds, GUILDS + 2):
        yield encode({"t": kind, "s": seq, "op": 0, "d": world.event(kind)})


def encode(payload: Any) -> bytes:
    """Return compact JSON."""
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()
