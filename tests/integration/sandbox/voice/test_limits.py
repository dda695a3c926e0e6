"""What a voice client can send is bounded: connections, payloads, and sound of any rate."""

from __future__ import annotations

import tracemalloc

import aiohttp
import pytest

from nescord_core.sandbox.voice.server import MAX_CONNECTIONS
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.raw_voice import raw_voice
from support.sandbox.running import running_sandbox


@pytest.mark.bound("The sandbox: voice connections")
async def test_connections_that_do_nothing_are_bounded() -> None:
    async with (
        running_sandbox() as sandbox,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        endpoint = (await sandbox.get("/voice"))["endpoint"]
        held = [await http.ws_connect(f"ws://{endpoint}/?v=8") for _ in range(MAX_CONNECTIONS)]
        with pytest.raises(aiohttp.WSServerHandshakeError, match="503"):
            await http.ws_connect(f"ws://{endpoint}/?v=8")
        await held.pop().close()
        async with raw_voice(endpoint) as voice:
            await voice.until(8)
        async with raw_voice(endpoint) as voice:
            for _ in range(121):
                await voice.send(3, 1)
            assert await voice.closed() == 4021


@pytest.mark.bound("The sandbox: packets of sound")
async def test_sound_takes_no_memory() -> None:
    async with running_sandbox() as sandbox, RawGateway(sandbox.gateway_url) as gateway:
        await gateway.identify(TOKEN, intents=0)
        user = sandbox.sandbox.world.application_id
        sandbox.sandbox.world.voice_join("Lounge", user)
        [call] = sandbox.sandbox.voice.calls.by_guild.values()
        sound = b"\x80\x78" + bytes(6) + call.ssrc.to_bytes(4, "big") + bytes(1200)
        call.described = True
        protocol = sandbox.sandbox.voice._sound
        tracemalloc.start()
        try:
            for _ in range(1000):
                protocol.datagram_received(sound, ("127.0.0.1", 5))
            before = tracemalloc.get_traced_memory()[0]
            for _ in range(100_000):
                protocol.datagram_received(sound, ("127.0.0.1", 5))
            grown = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert call.packets == 101_000
        assert grown < 10_000
