"""What connections that are not ws cost main's port."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nescord_core.dispatch.protocol import endpoint
from nescord_core.dispatch.receiver import handshake
from nescord_core.settings import MainSettings, SecuritySettings, WsSettings
from support.dispatch.peers import Main, Ws, event, until

SETTINGS = MainSettings(drain_timeout=1.0)


async def test_a_silent_connection_is_closed_and_ws_comes_through(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(endpoint, "HANDSHAKE_MS", 1000)
    monkeypatch.setattr(endpoint, "CONNECTIONS", 20)
    main = Main(tmp_path, settings=SETTINGS)
    async with main.listening():
        host, _, port = main.address.rpartition(":")
        silent = [await asyncio.open_connection(host, int(port)) for _ in range(60)]
        async with (
            asyncio.timeout(20),
            Ws(main.address, settings=WsSettings(token="t", intents=0)).running() as ws,
        ):
            ws.put([event(1)])
            await until(lambda: len(main.got) == 1)
            for reader, _ in silent:
                with suppress(ConnectionError):
                    await reader.read()  # its end
        for _, writer in silent:
            writer.close()


async def test_a_stream_that_never_says_hello_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handshake, "HELLO_TIMEOUT", 0.2)
    main = Main(tmp_path, settings=replace(SETTINGS, security=SecuritySettings()))
    async with main.listening():
        channel = endpoint.open_channel(main.address, SecuritySettings(), keepalive=5.0)
        async with channel, asyncio.timeout(10):
            call: Any = channel.stream_stream(endpoint.METHOD)()
            assert "no Hello within 0.2 s" in str(await call.details())
