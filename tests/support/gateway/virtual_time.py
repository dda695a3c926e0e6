"""An event loop with virtual time: waits take no real time."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

__all__ = ["VirtualTimeLoop", "run"]

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Never blocks: if nothing is ready, the clock jumps ahead by the time-out."""

    slept = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is not None and timeout > 0:
            self.slept += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """For code whose only clock is ``loop.time()`` and that waits for no other process."""

    def __init__(self) -> None:
        self._passing = _Selector()
        super().__init__(self._passing)

    def time(self) -> float:
        return self._passing.slept


def run(work: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine in a new virtual-time loop."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(work)
