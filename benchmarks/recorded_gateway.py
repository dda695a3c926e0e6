"""A gateway that replays recorded frames on any number of connections: frames are made once, from a seed.

    python benchmarks/recorded_gateway.py COMPRESS SHARDS EVENTS

Prints the port it listens on. Every connection gets the same payloads (but for its shard in READY): Hello,
and after IDENTIFY a READY, the guilds, and then EVENTS events of mixed types and sizes, compressed as one
stream. ``GET /go?rate=R`` starts them (0: as fast as they are taken, else R a second over all connections),
``GET /times`` tells when each was written. BENCH_GUILDS says how many guilds (40).
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import os
import random
import sys
import time
import zlib
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

import zstandard

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
    """Guilds, channels and people, and what happens among them."""

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
        place = self.guilds.index(guild)
        people = range(place * MEMBERS, (place + 1) * MEMBERS)
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
            "name": f"Guild {place}",
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
        where = {"guild_id": str(guild), "channel_id": str(channel)}
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
        return {**where, "user_id": member["user"]["id"], "timestamp": 1700000000, "member": member}

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
        where = {"guild_id": str(guild), "channel_id": str(channel)}
        if kind == "MESSAGE_DELETE":
            return {**where, "id": str(message)}
        if kind == "MESSAGE_UPDATE":
            edited = {"edited_timestamp": "2025-01-01T12:05:00.000000+00:00"}
            return {**self.text(guild, channel, number), "id": str(message), **edited}
        member = {**self.member(number), "user": self.user(number)}
        emoji = {"id": None, "name": "👍"}
        return {
            **where,
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
    return [_json(hello), _json({"t": "READY", "s": 1, "op": 0, "d": world.ready(url, shard)})]


def payloads(world: World, events: int) -> Iterator[bytes]:
    """Guilds, then events."""
    for seq, guild in enumerate(world.guilds, 2):
        yield _json({"t": "GUILD_CREATE", "s": seq, "op": 0, "d": world.guild(guild)})
    kinds = world.chance.choices(list(MIX), weights=list(MIX.values()), k=events)
    for seq, kind in enumerate(kinds, GUILDS + 2):
        yield _json({"t": kind, "s": seq, "op": 0, "d": world.event(kind)})


def _json(payload: dict[str, Any]) -> bytes:
    return json.dumps(payload, separators=(",", ":"), ensure_ascii=False).encode()


def record(compress: str, stream: list[bytes]) -> list[bytes]:
    """Return the websocket frames of one connection's stream."""
    squeeze = zlib.compressobj() if compress == "zlib-stream" else zstandard.ZstdCompressor().compressobj()
    flush = zlib.Z_SYNC_FLUSH if compress == "zlib-stream" else zstandard.COMPRESSOBJ_FLUSH_BLOCK
    return [_frame(squeeze.compress(payload) + squeeze.flush(flush)) for payload in stream]


def _frame(data: bytes) -> bytes:
    size = len(data)
    if size < 126:
        return b"\x82" + bytes([size]) + data
    if size < 65536:
        return b"\x82\x7e" + size.to_bytes(2, "big") + data
    return b"\x82\x7f" + size.to_bytes(8, "big") + data


class Source:
    """The server."""

    def __init__(self, compress: str, shards: int, events: int) -> None:
        self._compress, self._shards, self._events = compress, shards, events
        self._identified: dict[int, asyncio.StreamWriter] = {}
        self._go = asyncio.Event()
        self._rate = 0.0
        self._times: list[float] = []
        self._frames: list[list[bytes]] = []

    async def run(self) -> None:
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        self._url = f"ws://127.0.0.1:{port}/gateway"
        world = World()
        rest = list(payloads(world, self._events))
        for shard in range(self._shards):
            self._frames.append(record(self._compress, start(world, self._url, (shard, self._shards)) + rest))
        events, frames = rest[GUILDS:], self._frames[0][GUILDS + 2 :]
        print(port, *(f"{sum(map(len, each)) / len(each):.0f}" for each in (events, frames)), flush=True)
        await self._go.wait()
        await self._send()
        await asyncio.Event().wait()

    async def _send(self) -> None:
        first, shards = GUILDS + 2, self._shards
        writers = [self._identified[shard] for shard in range(shards)]
        if not self._rate:
            async with asyncio.TaskGroup() as tasks:
                for writer, frames in zip(writers, self._frames, strict=True):
                    tasks.create_task(self._pour(writer, frames[first:]))
            return
        began, sent = time.monotonic(), 0
        while sent < self._events * shards:
            due = min(int((time.monotonic() - began) * self._rate), self._events * shards)
            for number in range(sent, due):
                self._times.append(time.monotonic())
                writers[number % shards].write(self._frames[number % shards][first + number // shards])
            sent = due
            await asyncio.sleep(max(0.0005, 1 / self._rate))

    async def _pour(self, writer: asyncio.StreamWriter, frames: list[bytes]) -> None:
        for a, b in pairwise([*range(0, len(frames), 64), len(frames)]):
            writer.write(b"".join(frames[a:b]))
            await writer.drain()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            path = head.split(" ")[1]
            if "upgrade: websocket" in head.lower():
                await self._converse(head, reader, writer)
                return
            body = _json(self._answer(path))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\n"
                + f"Content-Length: {len(body)}\r\n\r\n".encode()
                + body
            )
            await writer.drain()
            writer.close()
        except (asyncio.IncompleteReadError, ConnectionError):
            return

    def _answer(self, path: str) -> Any:
        if path.startswith("/go"):
            self._rate = float(path.rpartition("=")[2])
            self._go.set()
        elif path == "/times":
            return {"times": self._times}
        elif path.endswith("/gateway/bot"):
            # as GET /gateway/bot says it
            limit = {"total": 1000, "remaining": 1000, "reset_after": 86_400_000, "max_concurrency": 16}
            return {"url": self._url, "shards": self._shards, "session_start_limit": limit}
        elif path.endswith("/applications/@me"):
            about: dict[str, Any] = dict.fromkeys(("name", "verify_key", "description", "summary"), "bench")
            person = {"id": str(BOT), "username": "bench", "discriminator": "0000", "avatar": None}
            return about | {"id": str(BOT), "flags": 0, "icon": None, "owner": person, "team": None} | {
                "bot_public": True, "bot_require_code_grant": False, "rpc_origins": [],
            }  # fmt: skip
        elif path.endswith("/users/@me"):
            return {"id": str(BOT), "username": "bench", "discriminator": "0000", "avatar": None, "bot": True}
        return {"connections": len(self._identified)}

    async def _converse(self, head: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        key = next(
            line.split(": ")[1] for line in head.split("\r\n") if line.lower().startswith("sec-websocket-key")
        )
        digest = hashlib.sha1(f"{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11".encode()).digest()
        answer = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        writer.write(f"{answer}Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n\r\n".encode())
        writer.write(self._frames[0][0])
        while b'"op":2' not in (identify := await _read(reader)):
            pass
        shard = json.loads(identify)["d"]["shard"][0]
        for frame in self._frames[shard][1 : GUILDS + 2]:
            writer.write(frame)
        await writer.drain()
        self._identified[shard] = writer
        while await reader.read(65536):
            pass


async def _read(reader: asyncio.StreamReader) -> bytes:
    """Read one frame of a client, without the spaces of its JSON."""
    head = await reader.readexactly(2)
    size = head[1] & 127
    if size > 125:
        size = int.from_bytes(await reader.readexactly(2 if size == 126 else 8), "big")
    mask = await reader.readexactly(4)
    data = await reader.readexactly(size)
    return bytes(byte ^ mask[at % 4] for at, byte in enumerate(data)).replace(b" ", b"")


if __name__ == "__main__":
    asyncio.run(Source(sys.argv[1], int(sys.argv[2]), int(sys.argv[3])).run())
