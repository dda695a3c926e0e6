"""A certificate authority for tests, and a certificate for 127.0.0.1."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from nescord_core.settings import SecuritySettings

__all__ = ["MISSING", "make"]

MISSING = shutil.which("openssl") is None


def make(folder: Path) -> SecuritySettings:
    """Create both in a new folder."""
    folder.mkdir()
    key = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")
    # Python 3.13 rejects an authority without key usage (RFC 5280, 4.2.1.3).
    authority = ("-x509", *key, "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-subj", "/CN=ca")
    _openssl("req", *authority, "-keyout", "ca.key", "-out", "ca.pem", cwd=folder)
    _openssl("req", *key[:-2], "-subj", "/CN=peer", "-keyout", "peer.key", "-out", "peer.csr", cwd=folder)
    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\n")
    sign = ("-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2", "-extfile", "names")
    _openssl("x509", "-req", "-in", "peer.csr", *sign, "-out", "peer.pem", cwd=folder)
    return SecuritySettings(
        tls_cert=folder / "peer.pem", tls_key=folder / "peer.key", tls_ca=folder / "ca.pem"
    )


def _openssl(*arguments: str, cwd: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)
