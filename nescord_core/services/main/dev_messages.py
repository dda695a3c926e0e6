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

RELOADED = "reloaded"
WS_WAIT = 0.5


class DevMessages:
    """Queue of messages to `nescord dev`, sent in order; without a dev they are dropped."""

    def __init__(self, state_dir: Path) -> None:
        self._state_dir = state_dir
        self._messages: asyncio.Queue[tuple[str, Mapping[str, Any]]] = asyncio.Queue()

    async def _identifies_left(self) -> str:
        """Return the text about remaining IDENTIFYs; "" if no ws runs here or it does not answer in time."""
        try:
            stats = await control_socket.request(
                self._state_dir, "status", name=control_socket.WS, timeout=WS_WAIT
            )
        except NescordError:
            return ""
        left = stats.get("identifies_left_today")
        return "" if left is None else f"  IDENTIFYs left today: {left}"

    def send(self, command: str, **fields: Any) -> None:
        """Queue a message."""
        self._messages.put_nowait((command, fields))

    def reloaded(self, line: str, facts: Mapping[str, Any]) -> None:
        """Queue the log line of a reload, to which the remaining IDENTIFYs are added."""
        self._messages.put_nowait((RELOADED, {"line": line, "facts": facts}))

    async def run(self) -> None:
        """Send queued messages until cancelled."""
        while True:
            command, fields = await self._messages.get()
            if command == RELOADED:
                left = await self._identifies_left()
                log.info("%s%s", fields["line"], left, extra={"reload": fields["facts"]})
                command, fields = "build", fields["facts"]
            try:
                await control_socket.request(self._state_dir, command, **fields)
            except NotRunning:
                if command == "configured":
                    log.warning("restart %s to apply the change", " and ".join(fields["services"]))
            except NescordError as error:
                log.warning("%s", error)
