"""The event that the running code was called for."""

from __future__ import annotations

from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # importing the payloads takes longer than a service that has none may take
    from nescord_core.payloads.base import EventInfo, View

__all__ = ["current_event", "handled"]

handled: ContextVar[View | None] = ContextVar("nescord_handled", default=None)
"""The payload whose handler runs in this context; tasks and `asyncio.to_thread` inherit it."""


def current_event() -> EventInfo | None:
    """Return the event whose handler runs, and None outside of handlers.

    Tasks that a handler starts inherit it, and so do threads of `asyncio.to_thread`; others do not. Use it to
    tag what an error tracker or a logger of your own records.
    """
    payload = handled.get()
    return None if payload is None else payload.event
