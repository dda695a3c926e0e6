"""Mutual TLS between ws and main."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.errors import ConfigError
from nescord_core.settings import MainSettings, SecuritySettings, WsSettings
from support.dispatch.peers import Main, Ws, event, until
from support.network import certificates

WS = WsSettings(token="t", intents=0)


@pytest.mark.skipif(certificates.MISSING, reason="certificates are made with openssl")
async def test_only_a_peer_of_the_same_authority_is_let_in(tmp_path: Path) -> None:
    ours, theirs = certificates.make(tmp_path / "ours"), certificates.make(tmp_path / "theirs")
    main = Main(tmp_path / "state", settings=replace(MainSettings(drain_timeout=2.0), security=ours))
    async with main.listening():
        for security in (SecuritySettings(), theirs):
            stranger = Ws(main.address, settings=replace(WS, security=security, connect_timeout=2.0))
            async with stranger.running():
                stranger.put([event(1)])
                await until(stranger.error)
        assert main.got == []
        async with Ws(main.address, settings=replace(WS, security=ours)).running() as ws:
            ws.put([event(1)])
            await until(lambda: len(main.got) == 1)


async def test_a_missing_file_is_named(tmp_path: Path) -> None:
    missing = tmp_path / "none.pem"
    security = SecuritySettings(tls_cert=missing, tls_key=missing, tls_ca=missing)
    with pytest.raises(ConfigError, match=r"none\.pem"):
        async with Main(tmp_path, settings=replace(MainSettings(), security=security)).listening():
            pass
