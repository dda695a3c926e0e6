"""Keeps requests in order of arrival while some are answered by coroutines, which begin a moment later."""

from __future__ import annotations

import asyncio

__all__ = ["StartingCoroutines"]


class StartingCoroutines:
    """The lanes of requests whose coroutines are about to go on: no later request may be sent before them."""

    __slots__ = ("_lanes",)

    def __init__(self) -> None:
        self._lanes: dict[str, int] = {}

    def __contains__(self, lane_key: str) -> bool:
        return lane_key in self._lanes

    def add(self, lane_key: str) -> None:
        """Note a coroutine whose task is about to be made, or has just been woken."""
        self._lanes[lane_key] = self._lanes.get(lane_key, 0) + 1
        loop = asyncio.get_running_loop()
        # The task's next step is queued before what this call queues.
        loop.call_soon(loop.call_soon, self._remove, lane_key)

    def _remove(self, lane_key: str) -> None:
        left = self._lanes[lane_key] - 1
        if left:
            self._lanes[lane_key] = left
        else:
            del self._lanes[lane_key]
