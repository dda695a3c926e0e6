"""The world of a project's sandbox, running or not: removes the stored one, exports the present one."""

from __future__ import annotations

import asyncio
import json
import shutil
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from nescord_core.errors import NotRunning, ServiceFailed, TransportError
from nescord_core.services.control import control_socket
from nescord_core.services.control.running_services import RunningService, read_all

__all__ = ["call_sandbox", "reset"]

FOLDER = "sandbox"
"""Folder of the stored world in state_dir."""
TIMEOUT = 30.0


async def reset(state_dir: Path) -> str:
    """Remove the stored world; a sandbox of `nescord dev` restarts with a new one. Returns what was done.

    Raises:
        ServiceFailed: a sandbox without a supervisor is running, which would go on with its world.

    """
    folder = state_dir / FOLDER
    running = read_all(state_dir).get("sandbox")
    if running is None:
        stored = folder.is_dir()
        shutil.rmtree(folder, ignore_errors=True)
        return "The sandbox starts with a new world." if stored else "No world is stored."
    try:
        await control_socket.request(state_dir, "status")
    except NotRunning:
        raise ServiceFailed(
            "sandbox", "it is running, and would go on with its world.", hint="Stop it with ^C first."
        ) from None
    await asyncio.to_thread(call_sandbox, running, "POST", "/forget")
    shutil.rmtree(folder, ignore_errors=True)
    await control_socket.restart(state_dir, "sandbox")
    return "The sandbox restarts with a new world."


def call_sandbox(running: RunningService, method: str, path: str) -> Any:
    """Call the control API of a running sandbox. Raises TransportError."""
    request = urllib.request.Request(f"http://{running.address}/sandbox{path}", method=method)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=TIMEOUT) as answer:
            return json.load(answer)
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise TransportError(f"the sandbox does not answer: {error}") from None
