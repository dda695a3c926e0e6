"""Sends main's notices to `nescord dev`, if it runs under one, over dev's control socket."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nescord_core.errors import NescordError, NotRunning
from nescord_core.services.control import control_socket

__all__ = ["DevMessages"]

log = logging.getLogger("nescord.main")


class DevMessages:
    """Queue of messages to `nescord dev`, sent in order; without a dev they are dropped."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._messages: asyncio.Queue[tuple[str, Mapping[str, Any]]] = asyncio.Queue()

    def send(self, command: str, **fields: Any) -> None:
        """Queue a message."""
        self._messages.put_nowait((command, fields))

    async def run(self) -> None:
        """Send queued messages until cancelled."""
        while True:
            command, fields = await self._messages.get()
            try:
                await control_socket.request(self._state_dir, command, **fields)
            except NotRunning:
                if command == "configured":
                    log.warning("restart %s to apply the change", " and ".join(fields["services"]))
            except NescordError as error:
                log.warning("%s", error)
