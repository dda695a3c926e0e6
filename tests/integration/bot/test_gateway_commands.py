"""Gateway commands of a listener, on a real socket with a hand-written ws."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nescord_core.bot.listener import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.errors import GatewayCommandError
from nescord_core.settings import MainSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.raw_ws import WsPeer, until


async def test_a_handler_gets_the_members_that_it_asks_for(settings: MainSettings) -> None:
    listener = WsListener(concurrency=1)
    found: list[int] = []

    @listener.on("guild_create", ordered=True)
    async def handler(guild: Any) -> None:
        members = await listener.gateway.request_guild_members(guild.id)
        found.extend(member.user.id for member in members)

    async with Runtime(listener, listener.settings(settings)) as runtime, WsPeer(runtime.port) as ws:

        def reply(command: pb.GatewayCommand) -> list[pb.FromWs]:
            asked = json.loads(command.data)
            data = {
                "nonce": asked["nonce"],
                "chunk_index": 0,
                "chunk_count": 1,
                "guild_id": asked["guild_id"],
            }
            ws.event("GUILD_MEMBERS_CHUNK", {**data, "members": [{"user": {"id": "8"}}]})
            return []

        ws.on_command = reply
        ws.event("GUILD_CREATE", {"id": str(5 << 22)}, key=1)
        await until(lambda: len(ws.acked) == 2)
    assert found == [8]
    (command,) = ws.commands
    assert (command.op, command.shard_id) == (8, 5 % 2)


async def test_presence_reaches_every_shard(settings: MainSettings) -> None:
    listener = WsListener()
    async with Runtime(listener, settings) as runtime, WsPeer(runtime.port) as ws:
        await listener.gateway.update_presence(status="idle")
        assert [(command.op, command.shard_id) for command in ws.commands] == [(3, -1)]


async def test_commands_after_the_end_are_refused(settings: MainSettings) -> None:
    listener = WsListener()
    async with Runtime(listener, settings):
        pass
    with pytest.raises(GatewayCommandError, match="running listener"):
        await listener.gateway.update_presence()


async def test_a_command_without_ws_fails_at_its_deadline(settings: MainSettings) -> None:
    listener = WsListener()
    async with Runtime(listener, settings):
        with pytest.raises(GatewayCommandError, match="was not sent within"):
            await listener.gateway.update_presence(timeout=0.05)
