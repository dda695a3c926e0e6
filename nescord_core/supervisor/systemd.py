"""Sends service status to systemd: sd_notify(3), datagrams to the socket named by NOTIFY_SOCKET.

`READY=1` when the service is ready, `STOPPING=1` when it begins to stop, `STATUS=` for `systemctl status`.
If the unit sets WatchdogSec=, the event loop sends `WATCHDOG=1`, and systemd restarts a service that hangs.
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

SEND_TIMEOUT = 1.0
VARIABLES = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID")


@dataclass(slots=True)
class SystemdNotifier:
    """Notifies systemd. ``address`` is empty without systemd; ``watchdog`` is in seconds, 0 for none."""

    address: str = ""
    watchdog: float = 0.0

    @classmethod
    def from_environment(cls, environ: MutableMapping[str, str]) -> Self:
        """Read the variables and remove them, so that this process's children do not inherit them."""
        address, microseconds, pid = (environ.pop(name, "") for name in VARIABLES)
        mine = pid in ("", str(os.getpid()))
        watchdog = int(microseconds) / 1e6 if microseconds.isdecimal() and mine else 0.0
        return cls(address if address.startswith(("/", "@")) else "", watchdog)

    def tell(self, *assignments: str) -> None:
        """Send assignments such as ``READY=1``; errors and a time-out of a second are ignored."""
        if not self.address:
            return
        # A leading @ marks an abstract socket address (unix(7)).
        address = f"\0{self.address[1:]}" if self.address.startswith("@") else self.address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as client:
            client.settimeout(SEND_TIMEOUT)
            client.sendto("\n".join(assignments).encode(), address)

    async def keep_awake(self) -> None:
        """Send a watchdog ping every half watchdog period, until cancelled."""
        while self.address and self.watchdog > 0:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog / 2)
