"""Whoever waits for members gets them, or an error."""

from __future__ import annotations

import asyncio
from typing import Any, cast

import discord
import msgspec
import pytest
import zstandard

from nescord_core.bot.discordpy import internals
from nescord_core.bot.discordpy.member_requests import MemberRequests
from nescord_core.errors import GatewayCommandError, MemberRequestFailed
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.discordpy.client import ToldClient, shard

GUILD = 5
MEMBER = {
    "user": {"id": "7", "username": "ada", "discriminator": "0", "avatar": None},
    "roles": [],
    "flags": 0,
}


class Wire:
    """A client whose member requests reach a scripted Discord: one answer per request."""

    def __init__(self, *answers: str, timeout: float = 0.2) -> None:
        self.client = ToldClient()
        self.answers = list(answers)
        self.asked = 0
        self.requests = MemberRequests(self.client, timeout=timeout)
        self._sending: set[asyncio.Task[None]] = set()
        cast(Any, internals.connection(self.client))._get_websocket = lambda *_, **__: self

    async def request_chunks(self, guild_id: int, **body: Any) -> None:
        task = asyncio.create_task(self.requests.send({"guild_id": guild_id, **body}, self._send))
        self._sending.add(task)

    async def _send(self, raw: bytes) -> None:
        nonce = msgspec.json.decode(raw)["nonce"]
        self.asked += 1
        match self.answers.pop(0) if self.answers else "silence":
            case "refusal":
                self._later("RATE_LIMITED", {"opcode": 8, "retry_after": 0.05, "meta": {"nonce": nonce}})
            case "odd refusal":
                self._later("RATE_LIMITED", {"opcode": 8, "retry_after": "soon", "meta": [nonce]})
            case "chunk":
                chunk = {"guild_id": str(GUILD), "members": [MEMBER], "chunk_index": 0, "chunk_count": 1}
                self._later("GUILD_MEMBERS_CHUNK", chunk | {"nonce": nonce})
            case "no ws":
                raise GatewayCommandError("It was not sent.")

    def _later(self, kind: str, data: dict[str, Any]) -> None:
        asyncio.get_running_loop().call_soon(self._arrive, kind, data)

    def _arrive(self, kind: str, data: dict[str, Any]) -> None:
        parse = internals.parser(internals.connection(self.client), kind)
        if parse is not None:
            parse(data)
        self.requests.answered(kind, data)

    async def guild(self) -> discord.Guild:
        base = zstandard.compress(msgspec.json.encode({"id": str(GUILD), "name": "g", "member_count": 2}))
        await self.client.begin()
        await self.client.take(shard([pb.GuildSnapshot(guild_id=GUILD, base=base)]))
        return self.client.guilds[0]

    async def close(self) -> None:
        await asyncio.gather(*self._sending)


async def test_a_refused_request_is_repeated_after_the_time_that_discord_names() -> None:
    wire = Wire("refusal", "refusal", "chunk")
    guild = await wire.guild()
    assert [each.id for each in await guild.chunk()] == [7]
    assert wire.asked == 3
    await wire.close()
    assert guild.get_member(7) is not None


@pytest.mark.parametrize("answer", ["silence", "no ws", "odd refusal"])
async def test_a_request_without_an_answer_fails_where_the_bot_waits(answer: str) -> None:
    wire = Wire(answer, answer)
    guild = await wire.guild()
    with pytest.raises(MemberRequestFailed):
        await guild.chunk()
    wire.answers = ["chunk"]
    assert [each.id for each in await guild.chunk()] == [7], (
        "the next request does not wait for the failed one"
    )
    await wire.close()


async def test_several_that_wait_for_the_same_members_all_get_the_error() -> None:
    wire = Wire("silence")
    guild = await wire.guild()
    outcomes = await asyncio.gather(guild.chunk(), guild.chunk(), return_exceptions=True)
    assert [type(each) for each in outcomes] == [MemberRequestFailed] * 2
    assert wire.asked == 1
    await wire.close()


async def test_a_query_that_is_refused_is_repeated_while_somebody_waits_for_it() -> None:
    wire = Wire("refusal", "chunk")
    guild = await wire.guild()
    assert [each.id for each in await guild.query_members("a")] == [7]
    wire.answers = ["refusal", "refusal", "chunk"]
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(guild.query_members("a"), 0.02)
    await wire.close()
    assert wire.asked == 3, "not repeated, as nobody waits any more"
    assert not internals.connection(wire.client)._chunk_requests


async def test_a_start_that_gives_up_waiting_leaves_the_request_to_those_who_ask_later() -> None:
    wire = Wire("refusal", "chunk")
    guild = await wire.guild()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.02):
            await guild.chunk()
    assert [each.id for each in await guild.chunk()] == [7]
    assert wire.asked == 2
    await wire.close()
