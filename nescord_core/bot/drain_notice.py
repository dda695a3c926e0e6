"""Says what a drain waits for, once, if it takes longer than a moment."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Iterable

from nescord_core.plurals import counted

__all__ = ["MOMENT", "by_name", "say_what_drains"]

log = logging.getLogger(__name__)

MOMENT = 1.0
"""Seconds after which somebody who waits at a terminal wants to know why."""
_NAMES = 8
"""Names of handlers in one line."""


async def say_what_drains(running: Callable[[], Iterable[str]], timeout: float) -> None:
    """Log after a moment how many handlers run and which, and how long the drain waits for them."""
    await asyncio.sleep(MOMENT)
    names = list(running())
    if names:
        at_most = max(0.0, timeout - MOMENT)
        log.info(
            "waiting for %s to finish, for another %g s at most: %s",
            counted(len(names), "handler"),
            at_most,
            by_name(names),
        )


def by_name(names: Iterable[str]) -> str:
    """Return names with their numbers, the most frequent first, and how many more there are."""
    found = Counter(names).most_common()
    shown = [name if number == 1 else f"{name} ({number})" for name, number in found[:_NAMES]]
    return ", ".join([*shown, *([f"{len(found) - _NAMES} more"] if len(found) > _NAMES else [])])
