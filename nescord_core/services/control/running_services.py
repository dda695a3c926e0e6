"""Announces running services: one file each in state_dir/run, written when ready and removed at the end.

The files contain no secrets. Readers skip a file whose process is gone (killed, machine restarted). A process
id may be reused, so the file also records the process's start time.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from nescord_core._version import __version__
from nescord_core.process.state_dir import make_folder, read_bytes, replace_file

__all__ = ["RunningService", "announce", "is_alive", "read_all"]

PROC = Path("/proc")
BOOT_ID = PROC / "sys/kernel/random/boot_id"
GONE = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class RunningService:
    """One running service.

    ``address`` is where it serves (host:port, empty for none), ``admin`` is the address of /healthz, /readyz
    and /stats. ``started_at`` is in seconds since the epoch. ``birth`` tells this process from a later one
    with the same id, and is empty if the system records no start times. ``version`` is nescord's.
    """

    service: str
    pid: int
    address: str
    admin: str
    started_at: float
    birth: str = ""
    version: str = ""


@contextmanager
def announce(
    state_dir: Path, service: str, *, address: str = "", admin: str = "", now: float | None = None
) -> Iterator[RunningService]:
    """Write state_dir/run/<service>.json for the duration of the block.

    Enter it when the service is ready. The file is removed at the end unless another process has since taken
    over the name, as in a rolling restart. ``now`` is in seconds since the epoch.
    """
    pid = os.getpid()
    started_at = time.time() if now is None else now
    presence = RunningService(service, pid, address, admin, started_at, _birth(pid), __version__)
    path = _file(state_dir, service)
    _write(path, presence)
    try:
        yield presence
    finally:
        current = _read(path)
        if current is not None and (current.pid, current.birth) == (presence.pid, presence.birth):
            path.unlink(missing_ok=True)


def read_all(state_dir: Path) -> dict[str, RunningService]:
    """Return the running services by name; damaged files and files of dead processes are skipped."""
    found = (_read(path) for path in sorted((state_dir / "run").glob("*.json")))
    return {presence.service: presence for presence in found if presence is not None and is_alive(presence)}


def is_alive(presence: RunningService) -> bool:
    """Return whether the process that wrote the file is still running."""
    birth = _birth(presence.pid)
    if birth and presence.birth:
        return birth == presence.birth
    if PROC.joinpath("self/stat").exists():
        return False  # the system records start times, and there is none for this process
    try:
        os.kill(presence.pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _file(state_dir: Path, service: str) -> Path:
    if not service or "/" in service or service.startswith("."):
        raise ValueError(f"{service!r} cannot name a service.")
    return state_dir / "run" / f"{service}.json"


def _write(path: Path, presence: RunningService) -> None:
    """Write the file atomically: a reader sees all of it or the old one."""
    make_folder(path.parent)
    replace_file(path, json.dumps(asdict(presence)).encode())


def _read(path: Path) -> RunningService | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        fields = json.loads(read_bytes(path))
        return RunningService(
            service=str(fields["service"]),
            pid=int(fields["pid"]),
            address=str(fields["address"]),
            admin=str(fields["admin"]),
            started_at=float(fields["started_at"]),
            birth=str(fields.get("birth", "")),
            version=str(fields.get("version", "")),
        )
    return None


def _birth(pid: int) -> str:
    """Return boot id and start time of a process; empty if it is gone or the system has no /proc.

    The start time is field 22 of /proc/PID/stat, in clock ticks since boot. The second field is the program's
    name in parentheses, which may itself contain spaces and parentheses (proc_pid_stat(5)). psutil would
    delay the start of every service by 8 ms, and its create_time() changes when the system clock is set.
    """
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in GONE else f"{boot}/{fields[19]}"
