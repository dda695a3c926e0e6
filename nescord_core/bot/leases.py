"""Leases: one of several processes holds a lease, and another takes over when it is not renewed."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from nescord_core.process.state_dir import make_folder, open_file

__all__ = ["FileLeases", "Leases", "MemoryLeases"]


class Leases(Protocol):
    """Storage for leases. Every implementation passes tests/contracts/test_leases.py."""

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease for ``seconds``; return False while another holder has it."""
        ...

    async def give_up(self, name: str, holder: str) -> None:
        """Release the lease at once; no effect if another holder has it."""
        ...


class MemoryLeases:
    """Leases within one process."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._held: dict[str, tuple[str, float]] = {}

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease."""
        other, until = self._held.get(name, (holder, 0.0))
        if other != holder and self._now() < until:
            return False
        self._held[name] = holder, self._now() + seconds
        return True

    async def give_up(self, name: str, holder: str) -> None:
        """Release the lease."""
        if self._held.get(name, ("", 0.0))[0] == holder:
            del self._held[name]


class FileLeases:
    """Leases shared by all processes of a host that use the same directory: locked files, one per lease."""

    def __init__(self, directory: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._directory = directory
        self._now = now  # counts from the boot of the machine, the same for all its processes

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        """Take or renew a lease. Raises OSError if the directory is not writable."""
        return self._change(name, holder, seconds)

    async def give_up(self, name: str, holder: str) -> None:
        """Release the lease."""
        self._change(name, holder, None)

    def _change(self, name: str, holder: str, seconds: float | None) -> bool:
        make_folder(self._directory)
        path = self._directory / f"{hashlib.sha256(name.encode()).hexdigest()[:24]}.lease"
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND
        with os.fdopen(open_file(path, flags), "a+", encoding="utf-8", errors="replace") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.seek(0)
            if self._is_held_by_another(file.read(), holder):
                return False
            file.truncate(0)
            if seconds is not None:
                lease = {"name": name, "holder": holder, "seconds": seconds, "until": self._now() + seconds}
                file.write(json.dumps(lease))
            return True

    def _is_held_by_another(self, content: str, holder: str) -> bool:
        try:
            lease = json.loads(content)
            left = lease["until"] - self._now()
            # More than the lease's duration is left: it was taken before the machine rebooted.
            return bool(lease["holder"] != holder and 0 < left <= lease["seconds"])
        except (ValueError, KeyError, TypeError):
            return False  # new, or cut short by a full disk
