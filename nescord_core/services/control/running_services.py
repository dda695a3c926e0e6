"""Which services run here: one small file each in state_dir/run, written when ready, removed at the end.

The files hold nothing secret. A file whose process is gone (killed, machine restarted) is skipped by the
reader: the process id alone could have gone to another process, so its start time is recorded with it.
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

__all__ = ["RunningService", "announce", "is_alive", "read_all"]

PROC = Path("/proc")
BOOT_ID = PROC / "sys/kernel/random/boot_id"
GONE = frozenset("ZX")


@dataclass(frozen=True, slots=True)
class RunningService:
    """One running service.

    ``address`` is where it serves (host:port, empty for none), ``admin`` where its /healthz, /readyz and
    /stats are. ``started_at`` is in seconds since the epoch. ``birth`` tells this process from a later one
    with the same id; empty where the system does not say. ``version`` is nescord's.
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
    """Write state_dir/run/<service>.json for as long as the block runs.

    Enter it when the service is ready. At the end the file is removed unless another process has taken the
    name over meanwhile, as the new one does at a rolling restart. ``now`` is in seconds since the epoch.
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
    """Return the services that run with this state_dir, by name; damaged files and the dead are skipped."""
    found = (_read(path) for path in sorted((state_dir / "run").glob("*.json")))
    return {presence.service: presence for presence in found if presence is not None and is_alive(presence)}


def is_alive(presence: RunningService) -> bool:
    """Say whether the very process that wrote the file still runs."""
    birth = _birth(presence.pid)
    if birth and presence.birth:
        return birth == presence.birth
    if PROC.joinpath("self/stat").exists():
        return False  # this system tells births, and there is none for this process
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
    """A reader sees the whole file or none: a new file takes the old one's place in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f".{path.name}.{presence.pid}")
    try:
        fresh.write_text(json.dumps(asdict(presence)), encoding="utf-8")
        fresh.replace(path)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def _read(path: Path) -> RunningService | None:
    with suppress(OSError, ValueError, TypeError, KeyError):
        fields = json.loads(path.read_text(encoding="utf-8"))
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
    """Boot and start time of a process, empty when it is gone or the system has no /proc.

    The start time is field 22 of /proc/PID/stat, in clock ticks since boot; the second field is the program's
    name in brackets and may itself hold spaces and brackets (proc_pid_stat(5)).
    """
    try:
        fields = (PROC / str(pid) / "stat").read_text(errors="replace").rpartition(")")[2].split()
        boot = BOOT_ID.read_text().strip()
    except OSError:
        return ""
    return "" if fields[0] in GONE else f"{boot}/{fields[19]}"
