from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from nescord_core.bot.gateway.client import Gateway
from nescord_core.bot.gateway.requests import Chunks, guild_members, presence, user_id_parts
from nescord_core.envelope import Envelope
from nescord_core.errors import GatewayCommandError
from nescord_core.payloads import GuildMembersChunk, payload_of

GUILD = 41771983444115456
Sent = dict[str, Any]


class Discord:
    """Receives commands, and answers each with what ``reply`` returns: (event, data) pairs."""

    def __init__(self, reply: Callable[[Sent], list[tuple[str, Any]]]) -> None:
        self.gateway = Gateway()
        self.gateway.connect(self.send)
        self.sent: list[Sent] = []
        self.reply = reply

    async def send(
        self, *, shard_id: int | None, guild_id: int | None, op: int, data: bytes, deadline: float
    ) -> None:
        command = {"op": op, "shard_id": shard_id, "guild_id": guild_id, "d": json.loads(data)}
        self.sent.append(command)
        for event, content in self.reply(command):
            envelope = Envelope(0, "s", 1, event, 0, 0, json.dumps(content).encode(), 0.0)
            self.gateway.answer(payload_of(envelope, 0.0))


def chunk(command: Sent, index: int = 0, count: int = 1, **more: Any) -> tuple[str, Any]:
    return "GUILD_MEMBERS_CHUNK", {
        "guild_id": str(GUILD),
        "nonce": command["d"]["nonce"],
        "chunk_index": index,
        "chunk_count": count,
        "members": [{"user": {"id": str(index + 1)}}],
        **more,
    }


async def test_members_are_collected_from_all_chunks_in_order() -> None:
    discord = Discord(
        lambda command: [
            chunk(command, 1, 3, presences=[{"status": "idle"}]),
            chunk(command, 1, 3, presences=[{"status": "idle"}]),  # delivered twice
            chunk(command, 0, 3),
            chunk({"d": {"nonce": "somebody else's"}}, 2, 3),
            chunk(command, 2, 3, not_found=["77"]),
        ]
    )
    members = await discord.gateway.request_guild_members(GUILD, presences=True)
    assert [member.user.id for member in members] == [1, 2, 3]
    assert members.not_found == [77]
    assert [each.status for each in members.presences] == ["idle"]
    (command,) = discord.sent
    assert (command["op"], command["guild_id"]) == (8, GUILD)
    assert command["d"] == {
        "guild_id": str(GUILD),
        "query": "",
        "limit": 0,
        "presences": True,
        "nonce": command["d"]["nonce"],
    }


async def test_the_nonce_is_at_most_32_bytes_and_never_the_same() -> None:
    """protocol.md, 23: a nonce has at most 32 bytes, and chunks go to the replica that asked."""
    one, two = (Discord(lambda command: [chunk(command)]) for _ in range(2))
    for discord in (one, one, two):
        await discord.gateway.request_guild_members(GUILD)
    nonces = [command["d"]["nonce"] for command in one.sent + two.sent]
    assert len(set(nonces)) == 3
    assert all(len(nonce.encode()) <= 32 for nonce in nonces)


async def test_more_than_100_user_ids_go_out_as_several_requests() -> None:
    """protocol.md, 23: at most 100 user_ids per request."""
    discord = Discord(lambda command: [chunk(command, not_found=[command["d"]["user_ids"][0]])])
    members = await discord.gateway.request_guild_members(GUILD, user_ids=[*range(1, 251), 1])
    assert [len(command["d"]["user_ids"]) for command in discord.sent] == [100, 100, 50]
    assert len(members) == 3
    assert members.not_found == [1, 101, 201]
    assert "query" not in discord.sent[0]["d"]


async def test_a_refused_request_is_repeated_after_the_time_that_discord_names() -> None:
    """protocol.md, 23: all members once in 30 s, else RATE_LIMITED with retry_after and the nonce."""

    def reply(command: Sent) -> list[tuple[str, Any]]:
        if len(discord.sent) == 1:
            meta = {"guild_id": str(GUILD), "nonce": command["d"]["nonce"]}
            return [("RATE_LIMITED", {"opcode": 8, "retry_after": 0.01, "meta": meta})]
        return [chunk(command)]

    discord = Discord(reply)
    assert len(await discord.gateway.request_guild_members(GUILD)) == 1
    assert len(discord.sent) == 2


async def test_a_refusal_longer_than_the_timeout_is_an_error_at_once() -> None:
    discord = Discord(
        lambda command: [
            ("RATE_LIMITED", {"opcode": 8, "retry_after": 29.5, "meta": {"nonce": command["d"]["nonce"]}})
        ]
    )
    with pytest.raises(GatewayCommandError, match=r"another 29\.5 s"):
        await discord.gateway.request_guild_members(GUILD, timeout=5)


async def test_no_answer_is_an_error_after_the_timeout() -> None:
    discord = Discord(lambda command: [chunk(command, 0, 2)])
    with pytest.raises(GatewayCommandError, match="did not answer opcode 8"):
        await discord.gateway.request_guild_members(GUILD, timeout=0.02)
    discord.reply = lambda command: [chunk(command)]
    assert len(await discord.gateway.request_guild_members(GUILD)) == 1


async def test_two_requests_at_once_do_not_mix() -> None:
    commands: list[Sent] = []

    def reply(command: Sent) -> list[tuple[str, Any]]:
        commands.append(command)
        if len(commands) < 2:
            return []
        return [chunk(commands[1], 1, 2), chunk(commands[0]), chunk(commands[1], 0, 2)]

    discord = Discord(reply)
    first, second = await asyncio.gather(
        discord.gateway.request_guild_members(GUILD), discord.gateway.request_guild_members(GUILD)
    )
    assert (len(first), len(second)) == (1, 2)


async def test_soundboard_sounds_and_channel_info_are_asked_for_by_guild() -> None:
    """Op 31 requests soundboard sounds, op 43 channel info."""

    def reply(command: Sent) -> list[tuple[str, Any]]:
        if command["op"] == 31:
            (guild,) = command["d"]["guild_ids"]
            return [("SOUNDBOARD_SOUNDS", {"guild_id": guild, "soundboard_sounds": [{"sound_id": "1"}]})]
        return [("CHANNEL_INFO", {"guild_id": command["d"]["guild_id"], "channels": [{"status": "hi"}]})]

    discord = Discord(reply)
    sounds = await discord.gateway.request_soundboard_sounds([5, 6, 5])
    assert {guild: each[0].sound_id for guild, each in sounds.items()} == {5: 1, 6: 1}
    info = await discord.gateway.request_channel_info(7)
    assert info.channels[0].status == "hi"
    assert [command["guild_id"] for command in discord.sent] == [5, 6, 7]
    assert discord.sent[-1]["d"] == {"guild_id": "7", "fields": ["status", "voice_start_time"]}


async def test_a_refused_channel_info_is_asked_for_again() -> None:
    def reply(command: Sent) -> list[tuple[str, Any]]:
        if len(discord.sent) == 1:
            return [("RATE_LIMITED", {"opcode": 43, "retry_after": 0.01, "meta": {"guild_id": "7"}})]
        return [("CHANNEL_INFO", {"guild_id": "7", "channels": []})]

    discord = Discord(reply)
    assert (await discord.gateway.request_channel_info(7)).channels == []
    assert len(discord.sent) == 2


async def test_presence_goes_to_one_shard_or_to_all() -> None:
    discord = Discord(lambda command: [])
    await discord.gateway.update_presence(status="dnd", activities=[{"name": "chess"}])
    await discord.gateway.update_presence(shard_id=3)
    assert [command["shard_id"] for command in discord.sent] == [None, 3]
    assert discord.sent[0]["op"] == 3
    assert discord.sent[0]["d"] == {
        "status": "dnd",
        "activities": [{"type": 0, "name": "chess"}],
        "since": None,
        "afk": False,
    }


async def test_voice_state_joins_and_leaves() -> None:
    discord = Discord(lambda command: [])
    await discord.gateway.update_voice_state(GUILD, 9, self_deaf=True)
    await discord.gateway.update_voice_state(GUILD, None)
    joined, left = (command["d"] for command in discord.sent)
    assert joined == {"guild_id": str(GUILD), "channel_id": "9", "self_mute": False, "self_deaf": True}
    assert left["channel_id"] is None


@pytest.mark.parametrize(
    ("call", "says"),
    [
        (lambda g: g.update_presence(status="away"), "status must be one of"),
        (lambda g: g.update_presence(activities=["chess"]), "an activity is a dict"),
        (lambda g: g.update_presence(activities=[{"name": "x" * 5000}]), "at most 4096 bytes"),
        (lambda g: g.update_voice_state("5", None), "guild_id must be an id"),
        (lambda g: g.update_voice_state(5, True), "channel_id must be an id"),
        (lambda g: g.request_guild_members(0), "guild_id must be an id"),
        (lambda g: g.request_guild_members(5, "ada"), "limit must be 1 to 100 with a query"),
        (lambda g: g.request_guild_members(5, limit=101), "limit must be 1 to 100"),
        (lambda g: g.request_guild_members(5, "ada", user_ids=[1]), None),
        (lambda g: g.request_guild_members(5, user_ids=["x"]), "user_ids must be an id"),
        (lambda g: g.request_channel_info(5, ["name"]), "fields must be some of"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_is_sent(call: Any, says: str | None) -> None:
    """protocol.md, 22: at most 4096 bytes, otherwise close code 4002."""
    discord = Discord(lambda command: [])
    with pytest.raises(ValueError, match=says or "cannot be combined"):
        await call(discord.gateway)
    assert discord.sent == []


def test_rules_of_requests() -> None:
    with pytest.raises(ValueError, match="at most 32 bytes"):
        guild_members(5, "", 0, None, False, "x" * 33)
    with pytest.raises(ValueError, match="at most 100 user_ids"):
        guild_members(5, "", 0, list(range(1, 102)), False, "n")
    full = guild_members((1 << 64) - 1, "", 0, [(1 << 64) - 1 - n for n in range(100)], False, "n" * 32)
    assert len(full.data) < 4096
    assert list(user_id_parts([])) == []
    assert (
        json.loads(presence("online", [{"name": "x", "type": 2}], 5, True).data)["activities"][0]["type"] == 2
    )
    assert Chunks().members() == []
    assert Chunks().add(GuildMembersChunk({"chunk_index": 0, "chunk_count": 1}))


async def test_no_user_ids_is_no_request() -> None:
    discord = Discord(lambda command: [])
    assert await discord.gateway.request_guild_members(5, user_ids=[]) == []
    assert discord.sent == []
