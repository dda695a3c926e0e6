"""A listener and ws's real Sender, over a real socket."""

from __future__ import annotations

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from nescord_core.bot.listener import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.settings import MainSettings
from support.dispatch.raw_ws import until
from support.dispatch.sender import event, sending


async def no_command(*arguments: Any) -> None:
    raise AssertionError(arguments)


async def test_everything_is_handled_once_in_order_per_guild_and_acknowledged(tmp_path: Path) -> None:
    listener = WsListener()
    seen: dict[int, list[int]] = {}

    @listener.on("message_create")
    async def handler(message: Any, info: Any) -> None:
        seen.setdefault(info.guild_id, []).append(info.seq)
        await asyncio.sleep(0.001 * (info.seq % 3))

    settings = MainSettings(listen_port=0, state_dir=tmp_path)
    async with (
        Runtime(listener, settings) as runtime,
        sending(runtime.port, no_command) as (sender, acknowledged),
    ):
        for seq in range(1, 2001):
            sender.put(event(seq, 1 + seq % 13))
        await until(lambda: acknowledged[-1] == 2000)
        assert runtime.stats().handled == 2000
    assert {guild: sorted(seqs) for guild, seqs in seen.items()} == seen
    assert sum(map(len, seen.values())) == 2000


async def test_a_successor_on_the_same_port_takes_over_without_loss_or_repetition(tmp_path: Path) -> None:
    seen: list[tuple[str, int]] = []

    def bot(name: str) -> WsListener:
        listener = WsListener(ordered=True, concurrency=8)

        @listener.on("message_create")
        async def handler(message: Any) -> None:
            seen.append((name, message.n))
            await asyncio.sleep(0.002)

        return listener

    settings = MainSettings(listen_port=0, state_dir=tmp_path)
    old, new = bot("old"), bot("new")
    async with AsyncExitStack() as leaving:
        first = await leaving.enter_async_context(Runtime(old, old.settings(settings)))
        again = replace(new.settings(settings), listen_port=first.port)
        async with sending(first.port, no_command) as (sender, acknowledged), asyncio.TaskGroup() as tasks:

            async def feed() -> None:
                for seq in range(1, 601):
                    sender.put(event(seq, 1 + seq % 5))
                    await asyncio.sleep(0.001)

            tasks.create_task(feed())
            await until(lambda: len(seen) > 100)
            async with Runtime(new, again, generation=2):
                report = await first.drain()
                await leaving.aclose()
                await until(lambda: acknowledged[-1] == 600)
    assert report.cut_short == ()
    assert sorted(n for _, n in seen) == list(range(1, 601))
    assert {name for name, _ in seen} == {"old", "new"}
    for guild in range(5):
        mine = [n for _, n in seen if n % 5 == guild]
        assert mine == sorted(mine)


async def test_members_come_back_through_ws(tmp_path: Path) -> None:
    listener = WsListener()
    found: list[int] = []

    @listener.on("guild_create")
    async def handler(guild: Any, info: Any) -> None:
        members = await listener.gateway.request_guild_members(info.guild_id, user_ids=[1, 2])
        found.extend(member.user.id for member in members)

    async def command(shard_id: int, op: int, data: bytes, deadline: float) -> None:
        asked = json.loads(data)
        members = [{"user": {"id": each}} for each in asked["user_ids"]]
        part = {"chunk_index": 0, "chunk_count": 1, "nonce": asked["nonce"], "members": members}
        sender.put(event(2, int(asked["guild_id"]), "GUILD_MEMBERS_CHUNK", **part))

    settings = MainSettings(listen_port=0, state_dir=tmp_path)
    async with (
        Runtime(listener, settings) as runtime,
        sending(runtime.port, command) as (sender, acknowledged),
    ):
        sender.put(event(1, 77, "GUILD_CREATE"))
        await until(lambda: acknowledged[-1] == 2)
    assert found == [1, 2]
