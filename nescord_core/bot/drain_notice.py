"""Says what a drain waits for, once, if it takes longer than a moment."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable

from nescord_core.plurals import counted

__all__ = ["MOMENT", "DrainNotice", "by_name"]

log = logging.getLogger(__name__)

MOMENT = 1.0
"""Seconds after which somebody who waits at a terminal wants to know why."""
_NAMES = 8
"""Names of handlers in one line."""


class DrainNotice:
    """Logs what a drain waits for: how many handlers run, which, and for how long at most."""

    def __init__(self, running: Callable[[], Iterable[str]]) -> None:
        self._running = running
        self._task: asyncio.Task[None] | None = None

    def begin(self, tasks: asyncio.TaskGroup, timeout: float) -> None:
        """Log it a moment from now, unless `end` is called or that is under way already."""
        if self._task is None or self._task.done():
            self._task = tasks.create_task(self._say(timeout))

    def end(self) -> None:
        """The drain is over, or another one begins."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _say(self, timeout: float) -> None:
        await asyncio.sleep(MOMENT)
        names = list(self._running())
        if names:
            log.info(
                "waiting for %s to finish, for another %g s at most: %s",
                counted(len(names), "handler"),
                max(0.0, timeout - MOMENT),
                by_name(names),
            )


def by_name(names: Iterable[str]) -> str:
    """Return names with their numbers, the most frequent first, and how many more there are."""
    found = Counter(names).most_common()
    shown = [name if number == 1 else f"{name} ({number})" for name, number in found[:_NAMES]]
    return ", ".join([*shown, *([f"{len(found) - _NAMES} more"] if len(found) > _NAMES else [])])
