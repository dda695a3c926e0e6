"""Tracks which event the bot's code is running for, so that REST calls can be attributed to events.

The runtime sets the cause of each handler, tasks started by a handler inherit it, and the clients report
every call. Nothing is stored here; without an observer a call costs one check of an empty list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from nescord_core.envelope import Envelope
from nescord_core.tracing.handler_run import HandlerRun

__all__ = ["Call", "Cause", "Observer", "base_url", "cause", "observe", "reporting"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that code runs for. ``rest_url``, if set, receives its calls instead of the bot's own.

    ``handlers`` collects the handlers that have run for it.
    """

    envelope: Envelope
    rest_url: str = ""
    is_again: bool = False
    handlers: list[HandlerRun] = field(default_factory=list, compare=False)


@dataclass(slots=True)
class Call:
    """One call to Discord's HTTP API: the request, and the response status (0: no response).

    ``body`` is the JSON that was sent, ``files`` the names of the uploaded files.
    """

    method: str
    path: str
    body: bytes = b""
    files: tuple[str, ...] = ()
    status: int = 0
    ms: float = 0.0


Observer = Callable[[Cause, Call], None]

cause: ContextVar[Cause | None] = ContextVar("nescord_cause", default=None)
_observers: list[Observer] = []


def base_url(own: str) -> str:
    """Return the URL for a call: ``own``, unless its cause redirects it."""
    current = cause.get()
    return current.rest_url if current is not None and current.rest_url else own


@contextmanager
def observe(observer: Observer) -> Iterator[None]:
    """Report every call caused by an event to the observer, after it has ended."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


@contextmanager
def reporting(call: Call) -> Iterator[None]:
    """Report a call when the block ends; the block sets ``call.status`` to the response's."""
    current = cause.get()
    if current is None or not _observers:
        yield
        return
    began = time.perf_counter()
    try:
        yield
    finally:
        call.ms = (time.perf_counter() - began) * 1000
        for observer in _observers:
            observer(current, call)
