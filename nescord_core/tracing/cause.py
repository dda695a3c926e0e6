"""Which event a piece of the bot's code runs for: so that its calls to Discord can be told apart by event.

The runtime sets the cause of each handler, tasks that a handler starts inherit it, and the clients report
every call. Nothing is kept here; without an observer a call costs one look at an empty list.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass

from nescord_core.envelope import Envelope

__all__ = ["Call", "Cause", "Observer", "base_url", "cause", "observe", "reporting"]


@dataclass(frozen=True, slots=True)
class Cause:
    """The event that code runs for. ``rest_url``, if not empty, takes its calls instead of the bot's own."""

    envelope: Envelope
    rest_url: str = ""
    is_again: bool = False


@dataclass(slots=True)
class Call:
    """One call to Discord's HTTP API: what was sent, and the status that came back (0: no answer).

    ``body`` is the JSON that was sent, ``files`` the names of what was uploaded with it.
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
    """Return where a call goes: ``own``, unless its cause says otherwise."""
    current = cause.get()
    return current.rest_url if current is not None and current.rest_url else own


@contextmanager
def observe(observer: Observer) -> Iterator[None]:
    """Have every call that an event caused reported, once it has ended."""
    _observers.append(observer)
    try:
        yield
    finally:
        _observers.remove(observer)


@contextmanager
def reporting(call: Call) -> Iterator[None]:
    """Report a call when the block ends; within it, ``call.status`` is set to what came back."""
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
