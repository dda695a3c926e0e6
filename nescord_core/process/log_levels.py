"""Log levels that change while services run: ``state_dir/log_levels.json``, which their processes follow.

A file reaches every process of a service, however it was started: supervised or alone, the clusters of ws,
and workers that are started later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import msgspec

from nescord_core.process import logs
from nescord_core.process.state_dir import read_bytes, replace_file

__all__ = ["LEVELS", "LevelChange", "LevelFollower", "changed", "follow", "reset_levels", "set_level"]

log = logging.getLogger("nescord")

LEVELS = ("debug", "info", "warning", "error")
INTERVAL = 1.0
"""Seconds between two looks at the file."""
_FILE = "log_levels.json"


class LevelChange(msgspec.Struct, frozen=True, omit_defaults=True):
    """The level of one logger, ``until`` a time in seconds since the epoch; None: until it is reset."""

    level: str
    until: float | None = None


Changes = Mapping[str, Mapping[str, LevelChange]]
"""By service and logger; the root logger has the name ""."""


def changed(state_dir: Path, now: float) -> dict[str, dict[str, LevelChange]]:
    """Return the changes in force, without those whose time is over. A damaged file counts as empty."""
    try:
        found = msgspec.json.decode(read_bytes(state_dir / _FILE), type=dict[str, dict[str, LevelChange]])
    except (OSError, msgspec.MsgspecError):
        return {}
    return {
        service: {
            name: each
            for name, each in loggers.items()
            if each.level in LEVELS and (each.until is None or each.until > now)
        }
        for service, loggers in found.items()
    }


def set_level(state_dir: Path, service: str, logger: str, change: LevelChange) -> None:
    """Change the level of a service's logger."""
    changes = changed(state_dir, time.time())
    changes.setdefault(service, {})[logger] = change
    replace_file(state_dir / _FILE, msgspec.json.encode(changes))


def reset_levels(state_dir: Path, service: str) -> None:
    """Let a service log as it was configured."""
    changes = changed(state_dir, time.time())
    if changes.pop(service, None) is not None:
        replace_file(state_dir / _FILE, msgspec.json.encode(changes))


class LevelFollower:
    """Applies the changes of one service to this process's loggers, and takes them back."""

    def __init__(self, service: str) -> None:
        self._service = service
        self._applied: dict[str, str] = {}
        self._before: dict[str, int] = {}

    def apply(self, changes: Changes) -> None:
        """Make the levels those of ``changes``: of every other logger, what it was before."""
        wanted = {name: each.level for name, each in changes.get(self._service, {}).items()}
        if wanted == self._applied:
            return
        for name, level in self._before.items():
            logging.getLogger(name).setLevel(level)
        self._before = {}
        for name in sorted(wanted):  # the root logger first: it brings levels of others
            for each, level in _levels(name, wanted[name]).items():
                logger = logging.getLogger(each)
                self._before.setdefault(each, logger.level)
                logger.setLevel(level)
        self._applied = wanted
        said = ", ".join(f"{level}{f' for {name}' if name else ''}" for name, level in sorted(wanted.items()))
        shown = max(logging.INFO, logging.getLogger().level)
        log.log(shown, "log level: %s", said or "as configured")


def _levels(logger: str, level: str) -> dict[str, int]:
    """Return the levels that a change sets; `debug` for everything includes what is quiet otherwise."""
    number = logging.getLevelNamesMapping()[level.upper()]
    return {**(logs.QUIET_IN_DEBUG if not logger and number <= logging.DEBUG else {}), logger: number}


async def follow(
    service: str,
    state_dir: Callable[[], Path | None],
    *,
    interval: float = INTERVAL,
    clock: Callable[[], float] = time.time,
) -> None:
    """Follow the changes until cancelled; ``state_dir`` returns None until it is known."""
    follower, seen = LevelFollower(service), (0, 0.0)
    while True:
        directory, now = state_dir(), clock()
        if directory is not None:
            stamp = _stamp(directory / _FILE)
            if stamp != seen[0] or now >= seen[1]:
                changes = changed(directory, now)
                follower.apply(changes)
                ends = [each.until for each in changes.get(service, {}).values() if each.until is not None]
                seen = (stamp, min(ends, default=float("inf")))
        await asyncio.sleep(interval)


def _stamp(path: Path) -> int:
    """Return what changes with the file: its inode and time; 0 if there is none."""
    with suppress(OSError):
        found = path.stat()
        return hash((found.st_ino, found.st_mtime_ns)) or 1
    return 0
