"""Mutual TLS between ws and main."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.errors import ConfigError
from nescord_core.settings import MainSettings, SecuritySettings, WsSettings
from support.wire_peers import Main, Ws, event, until

WS = WsSettings(token="t", intents=0)


def openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)


def files(folder: Path) -> SecuritySettings:
    """Make a certificate authority and a certificate for 127.0.0.1 in a folder."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    openssl("req", "-x509", *key, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
    openssl("req", *key[:-2], "-subj", "/CN=peer", "-keyout", "peer.key", "-out", "peer.csr", cwd=folder)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    openssl("x509", "-req", "-in", "peer.csr", *sign, "-out", "peer.pem", cwd=folder)
    return SecuritySettings(
        tls_cert=folder / "peer.pem", tls_key=folder / "peer.key", tls_ca=folder / "ca.pem"
    )


@pytest.mark.skipif(shutil.which("openssl") is None, reason="certificates are made with openssl")
async def test_only_a_peer_of_the_same_authority_is_let_in(tmp_path: Path) -> None:
    ours, theirs = files(tmp_path / "ours"), files(tmp_path / "theirs")
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
