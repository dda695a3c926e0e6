"""Confines a Python process to this machine: lookups and connections to anything but loopback fail.

Import it in the process; `environment` makes every Python child process do so at its start.
"""

from __future__ import annotations

import ipaddress
import os
import sys
from pathlib import Path
from typing import Any

__all__ = ["environment", "install"]

GUARD = Path(__file__).parent / "guard"
_LOCAL_NAMES = ("localhost", "", None, "0.0.0.0", "::")


class LeftTheMachineError(RuntimeError):
    """A test, or a client that it started, tried to reach another machine."""


def _is_local(host: Any) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in _LOCAL_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if event == "socket.getaddrinfo" and not _is_local(arguments[0]):
        raise LeftTheMachineError(f"tried to look up {arguments[0]!r}")
    if event == "socket.connect":
        address = arguments[1]
        if isinstance(address, tuple) and isinstance(address[0], str) and not _is_local(address[0]):
            raise LeftTheMachineError(f"tried to connect to {address!r}")


def install() -> None:
    """Start watching; an audit hook (PEP 578) cannot be removed, and needs no patching."""
    sys.addaudithook(_watch)


def environment() -> dict[str, str]:
    """Return variables with which every Python process installs the guard before anything else."""
    path = os.pathsep.join(p for p in (str(GUARD), os.environ.get("PYTHONPATH", "")) if p)
    return {"PYTHONPATH": path}
