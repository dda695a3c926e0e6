"""Changes the log levels of running services; see nescord_core/process/log_levels.py, which applies them."""

from __future__ import annotations

import difflib
import time
from pathlib import Path

from nescord_core.errors import ConfigError
from nescord_core.process import state_dir as state_directory
from nescord_core.process.log_levels import LEVELS, LevelChange, changed, reset_levels, set_level
from nescord_core.services.control.running_services import read_all

__all__ = ["LEVELS", "SERVICES", "change", "described"]

SERVICES = ("sandbox", "rest", "main", "ws")


def change(
    state_dir: Path, service: str, level: str | None, *, logger: str, seconds: float | None, reset: bool
) -> None:
    """Change or reset a service's log level, in ``state_dir`` for ``seconds`` or until it is reset.

    Raises:
        ConfigError: there is no such service or level, or not exactly one of a level and ``reset`` is given.

    """
    _check("service", service, SERVICES)
    if (level is None) is not reset:
        raise ConfigError(
            "name a level, or --reset.",
            where=f"log-level {service}",
            hint=f"Write: nescord log-level {service} debug",
        )
    state_directory.prepare(state_dir)
    if level is None:
        reset_levels(state_dir, service)
        return
    _check("level", level.lower(), LEVELS)
    until = None if seconds is None else time.time() + seconds
    set_level(state_dir, service, logger, LevelChange(level.lower(), until))


def described(state_dir: Path, now: float) -> list[str]:
    """Return the changes in force, a sentence each."""
    running = read_all(state_dir)
    lines = []
    for service, loggers in sorted(changed(state_dir, now).items()):
        for logger, each in sorted(loggers.items()):
            end = "until it is reset" if each.until is None else f"for another {each.until - now:.0f} s"
            what = f"{service} logs {each.level}{f' for {logger}' if logger else ''} {end}"
            lines.append(what if service in running else f"{what} (it is not running, or not ready)")
    return lines


def _check(kind: str, given: str, known: tuple[str, ...]) -> None:
    if given in known:
        return
    near = difflib.get_close_matches(given, known, n=1)
    meant = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
    raise ConfigError(f"there is no {kind} {given!r}.", where="log-level", hint=meant)
