"""The voice server on its own sockets, with a client that knows nothing but the protocol."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.raw_voice import raw_voice
from support.sandbox.running import RunningSandbox, rest_ok, running_sandbox

MODE = "aead_aes256_gcm_rtpsize"


class Caller:
    """The bot on the gateway, which joins voice channels."""

    def __init__(self, sandbox: RunningSandbox, gateway: RawGateway, guild: dict[str, Any]) -> None:
        self.sandbox = sandbox
        self.gateway = gateway
        self.guild = guild

    @property
    def bot_id(self) -> str:
        return str(self.gateway.ready["user"]["id"])

    def channel(self, name: str) -> str:
        return next(str(each["id"]) for each in self.guild["channels"] if each["name"] == name)

    async def join(self, channel_id: str | None, **state: Any) -> None:
        await self.gateway.send(4, {"guild_id": self.guild["id"], "channel_id": channel_id, **state})

    async def invited(self) -> tuple[str, dict[str, Any]]:
        """Return the endpoint of the next VOICE_SERVER_UPDATE, and what to identify with."""
        state = (await self.gateway.until("VOICE_STATE_UPDATE"))["d"]
        server = (await self.gateway.until("VOICE_SERVER_UPDATE"))["d"]
        identity = {
            "server_id": server["guild_id"],
            "user_id": self.bot_id,
            "session_id": state["session_id"],
            "token": server["token"],
            "max_dave_protocol_version": 1,
        }
        return server["endpoint"], identity

    async def only_call(self) -> dict[str, Any]:
        [call] = (await self.sandbox.get("/voice"))["calls"]
        return dict(call)

    async def until_call(self, **expected: Any) -> dict[str, Any]:
        async with asyncio.timeout(5.0):
            while True:
                call = await self.only_call()
                if expected.items() <= call.items():
                    return call
                await asyncio.sleep(0.01)


@contextlib.asynccontextmanager
async def calling() -> AsyncIterator[Caller]:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=Intents.all().value)
        yield Caller(sandbox, gateway, (await gateway.until("GUILD_CREATE"))["d"])


async def test_a_call_with_sound_from_beginning_to_end() -> None:
    async with calling() as caller:
        lounge = caller.channel("Lounge")
        await caller.join(lounge, self_mute=False, self_deaf=False)
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            assert (await voice.until(8))["d"]["heartbeat_interval"] == 13_750
            described = await voice.describe(identity, MODE)
            await voice.send(3, {"t": 5, "seq_ack": described["seq"]})
            assert (await voice.until(6))["d"] == {"t": 5}
            await voice.ws.send_bytes(bytes([26]) + b"a key package")
            await voice.send(5, {"speaking": 1, "delay": 0, "ssrc": described["ssrc"]})
            await caller.until_call(speaking=True)
            assert (await caller.sandbox.get("/state"))["bot_speaks_in"] == [lounge]
            voice.send_sound(described["ssrc"], 50)
            voice.send_sound(12345, 3)
            voice.udp.send(b"keepalive")
            call = await caller.until_call(packets=50, bytes=50 * 112)
            assert (call["channel_id"], call["connected"], call["mode"]) == (lounge, True, MODE)
            assert (await caller.sandbox.get("/voice"))["stray_packets"] == 4
            # Muting goes over the gateway, and needs no new connection.
            await caller.join(lounge, self_mute=True, self_deaf=False)
            assert (await caller.gateway.until("VOICE_STATE_UPDATE"))["d"]["self_mute"] is True
            await caller.join(None)
            assert await voice.closed() == 4014
        assert (await caller.sandbox.get("/voice"))["calls"] == []


async def test_a_lost_connection_is_resumed() -> None:
    async with calling() as caller:
        await caller.join(caller.channel("Lounge"))
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            described = await voice.describe(identity, MODE)
            voice.send_sound(described["ssrc"], 1)
            await caller.until_call(packets=1)
        await caller.until_call(connected=False, speaking=False)
        async with raw_voice(endpoint) as voice:
            await voice.send(7, {**identity, "seq_ack": -1})
            assert (await voice.until(4))["seq"] == described["seq"]
            await voice.until(9)
            await caller.until_call(connected=True, packets=1)
            async with raw_voice(endpoint) as second:
                await second.describe(identity, MODE)
                assert await voice.closed() == 4006, "a new connection replaces the earlier one"


async def test_moves_and_kicks() -> None:
    async with calling() as caller:
        second = await rest_ok(
            caller.sandbox, "POST", f"/guilds/{caller.guild['id']}/channels", {"name": "Second", "type": 2}
        )
        await caller.join(caller.channel("Lounge"))
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            await voice.describe(identity, MODE)
            # Somebody else moves the bot: a new server, and the old connection ends.
            await caller.sandbox.post("/voice", user=caller.bot_id, channel=second["id"])
            endpoint, moved = await caller.invited()
            assert moved["token"] != identity["token"]
            assert await voice.closed() == 4014
        async with raw_voice(endpoint) as voice:
            await voice.send(0, identity)
            assert await voice.closed() == 4004, "the token of before the move"
        async with raw_voice(endpoint) as voice:
            await voice.describe(moved, MODE)
            # The same state again: a client that wants to connect anew.
            await caller.join(second["id"])
            endpoint, again = await caller.invited()
            assert await voice.closed() == 4014
        async with raw_voice(endpoint) as voice:
            await voice.describe(again, MODE)
            await caller.sandbox.post("/voice", user=caller.bot_id, channel=None)
            assert await voice.closed() == 4014, "somebody has kicked the bot"
            assert (await caller.gateway.until("VOICE_STATE_UPDATE"))["d"]["channel_id"] is None
        await caller.join(second["id"])
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            await voice.describe(identity, MODE)
            await rest_ok(caller.sandbox, "DELETE", f"/channels/{second['id']}")
            assert await voice.closed() == 4014, "the channel is gone"
        async with raw_voice(endpoint) as voice:
            await voice.send(0, identity)
            assert await voice.closed() == 4011


async def test_who_leaves_closes_the_connection_first() -> None:
    async with calling() as caller:
        await caller.join(caller.channel("Lounge"))
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            await voice.describe(identity, MODE)
            await caller.join(None)
            assert (await caller.gateway.until("VOICE_STATE_UPDATE"))["d"]["channel_id"] is None
            await voice.ws.close()
            assert voice.ws.close_code == 1000


async def test_the_bot_leaves_voice_when_its_gateway_session_ends() -> None:
    async with calling() as caller:
        await caller.join(caller.channel("Lounge"))
        endpoint, identity = await caller.invited()
        async with raw_voice(endpoint) as voice:
            await voice.describe(identity, MODE)
            await caller.gateway.ws.close(code=1000)
            assert await voice.closed() == 4014
        assert (await caller.sandbox.get("/voice"))["calls"] == []
        [guild] = (await caller.sandbox.get("/state"))["guilds"]
        assert guild["voice_states"] == []


@pytest.mark.bound("The sandbox: a voice payload")
async def test_odd_clients() -> None:
    async with calling() as caller:
        await caller.join(caller.channel("Lounge"))
        endpoint, identity = await caller.invited()
        for text, code in (("{", 4002), ('{"op": 5, "d": null}', 4003), ('{"op": 99}', 4001)):
            async with raw_voice(endpoint) as voice:
                await voice.ws.send_str(text)
                assert await voice.closed() == code
        async with raw_voice(endpoint, "") as voice:
            assert await voice.closed() == 4006, "a version is required"
        async with raw_voice(endpoint) as voice:
            await voice.describe(identity, MODE)
            await voice.ws.send_str("x" * (65 << 10))
            assert await voice.closed() == 1009
        async with aiohttp.ClientSession() as http:
            foreign = {"Host": "rebound.test"}
            async with http.get(f"http://{endpoint}/", headers=foreign) as answer:
                assert answer.status == 403
