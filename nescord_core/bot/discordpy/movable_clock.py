"""Moves a client's timers on when the clock of its sandbox is moved."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any

import discord

from nescord_core.bot.discordpy import internals

__all__ = ["MovableClock"]


class MovableClock:
    """The time-outs of a client's views, modals and `wait_for`, and the intervals of `tasks.loop`.

    Everything else that measures time in the bot's process, such as `asyncio.sleep`, uses the system's clock.
    """

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._timeouts: set[asyncio.Timeout] = set()
        self._wait_for: Any = client.wait_for
        client.wait_for = self.wait_for  # type: ignore[method-assign]

    def wait_for(self, event: str, /, *, timeout: float | None = None, **options: Any) -> Any:
        """Wait as `Client.wait_for` does, which registers the wait at the call and not when it is awaited."""
        waiting = self._wait_for(event, timeout=None, **options)
        return waiting if timeout is None else self._within(timeout, waiting)

    async def _within(self, seconds: float, waiting: Coroutine[Any, Any, Any]) -> Any:
        async with asyncio.timeout(seconds) as limit:
            self._timeouts.add(limit)
            try:
                return await waiting
            finally:
                self._timeouts.discard(limit)

    def advance(self, seconds: float) -> None:
        """Move all of these closer by ``seconds``."""
        for limit in list(self._timeouts):
            if (when := limit.when()) is not None:
                limit.reschedule(when - seconds)
        internals.advance_views(self._client, seconds)
        internals.advance_loops(seconds)
