"""Tells systemd how a service is: sd_notify(3), a datagram to the socket that NOTIFY_SOCKET names.

`READY=1` when it does its work, `STOPPING=1` when it was asked to end, `STATUS=` for `systemctl status`, and,
when the unit has WatchdogSec=, `WATCHDOG=1` from the event loop: one that hangs is restarted by systemd.
"""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import MutableMapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Self

__all__ = ["VARIABLES", "SystemdNotifier"]

PATIENCE = 1.0
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(slots=True)
class SystemdNotifier:
    """``address`` is empty where nobody wants to know; ``watchdog`` is in seconds, 0 for none."""

    address: str = ""
    watchdog: float = 0.0

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """Read the variables and take them out: they are not meant for this process's children."""
        address, microseconds, pid = (environ.pop(name, "") for name in VARIABLES)
        mine = pid in ("", str(os.getpid()))
        watchdog = int(microseconds) / 1e6 if microseconds.isdecimal() and mine else 0.0
        return cls(address if address.startswith(("/", "@")) else "", watchdog)

    def tell(self, *assignments: str) -> None:
        """Send ``READY=1`` and the like; a socket that takes nothing for a second does not matter."""
        if not self.address:
            return
        # An address that begins with @ is an abstract one (unix(7)).
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as end:
            end.settimeout(PATIENCE)
            end.sendto("\n".join(assignments).encode(), address)

    async def keep_awake(self) -> None:
        """Show the watchdog twice in its time that the event loop turns, until cancelled."""
        while self.address and self.watchdog > 0:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)
