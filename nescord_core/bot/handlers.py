"""The interface of the bot's code to the runtime: its handlers and hooks, however they were registered."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Protocol

from nescord_core.bot.gateway.client import Gateway
from nescord_core.bot.registration import Route

__all__ = ["EventHandlers"]


class EventHandlers(Protocol):
    """Handlers by event, and the hooks around them. `WsListener` is the implementation for bots."""

    gateway: Gateway
    start_hooks: list[Callable[[], Any]]
    drain_hooks: list[Callable[[], Any]]
    leave_hooks: list[Callable[[], Any]]
    picture: Callable[[Any], Awaitable[None]] | None
    running: Callable[[], list[str]] | None

    def route(self, event: str) -> Route:
        """Return the handlers of an event."""
        ...
