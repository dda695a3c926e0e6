"""Sends one command to a control socket from code that has no event loop, or blocks it."""

from __future__ import annotations

import json
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nescord_core.errors import NescordError
from nescord_core.services.control.control_socket import socket_path

__all__ = ["tell"]

TIMEOUT = 2.0


def tell(
    state_dir: Path, name: str, command: str, fields: Mapping[str, Any], timeout: float = TIMEOUT
) -> bool:
    """Send a command and wait for its answer; return whether it was carried out.

    Nobody may serve that name, or no longer: that is no error here.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.settimeout(timeout)
            client.connect(str(socket_path(state_dir, name)))
            client.sendall(json.dumps({"command": command, **fields}).encode() + b"\n")
            with client.makefile("rb") as answers:
                return bool(json.loads(answers.readline())["ok"])
    except (OSError, ValueError, KeyError, TypeError, NescordError):
        return False
