"""The spans of a trace, recorded where `export` was asked to; otherwise each costs one look at `active`.

A trace follows one event: ws receives and forwards it, main handles it, and the calls that a handler makes
go through rest to Discord. Its id is derived from the event's identity, so all processes and all deliveries
of an event agree on it, also after a restart of ws. What differs per delivery, the id of the span that
forwarded it, travels with the event; to rest the context travels as the header `traceparent`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Protocol
from urllib.parse import urlsplit

from nescord_core.envelope import Envelope

__all__ = [
    "CONTEXT_HEADERS",
    "NO_SPAN",
    "EventTrace",
    "Span",
    "Spans",
    "active",
    "calling",
    "ids_of",
    "is_of_discord",
    "named_path",
    "sending",
    "serving",
]

CONTEXT_HEADERS = frozenset({"traceparent", "tracestate", "baggage"})
"""What carries a trace's context over HTTP: between nescord's processes, never to Discord.

https://www.w3.org/TR/trace-context/
"""


class Span(Protocol):
    """A span that is being recorded."""

    def result(self, status: int) -> None:
        """Record the status of an HTTP response."""

    def note(self, name: str, value: str | int | float | bool) -> None:
        """Record an attribute."""


class EventTrace(Protocol):
    """An event's spans in ws: one from its receipt on, and in it one for each time that it is forwarded."""

    def forwarded(self, address: str, *, redelivered: bool) -> int:
        """Begin a delivery; return its span's id, 0 if the event is not sampled."""

    def interrupted(self, why: str) -> None:
        """End a delivery that main has not finished."""

    def acknowledged(self) -> None:
        """End everything: main has finished the event."""


class Spans(Protocol):
    """Records spans, see `nescord_core.tracing.open_telemetry`."""

    def event(self, envelope: Envelope) -> EventTrace:
        """Begin an event's trace in ws."""

    def handling(self, envelope: Envelope, parent: int, handler: str) -> AbstractContextManager[Span]:
        """Record a handler, within the span of ws with the id ``parent``; 0: the event is not sampled."""

    def calling(self, method: str, route: str) -> AbstractContextManager[Span]:
        """Record a call of the bot to Discord's API."""

    def headers(self) -> Mapping[str, str]:
        """Return the headers that carry the current context."""

    def serving(self, method: str, route: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
        """Record a request that rest answers."""

    def sending(self, method: str, route: str, host: str) -> AbstractContextManager[Span]:
        """Record one attempt of rest at Discord."""

    def waited(self, since: float) -> None:
        """Record a wait for rate limits, from ``since`` (seconds since the epoch) until now."""

    def ids(self) -> tuple[str, str]:
        """Return the ids of the current trace and span in hexadecimal, empty if there is none."""

    def close(self) -> None:
        """Export what is left."""


class _NoSpan:
    def result(self, status: int) -> None:
        """Record nothing."""

    def note(self, name: str, value: str | int | float | bool) -> None:
        """Record nothing."""


NO_SPAN: AbstractContextManager[Span] = nullcontext(_NoSpan())
active: Spans | None = None
"""What records the spans of this process, set by `export`; None without tracing."""


def calling(method: str, path: str) -> AbstractContextManager[Span]:
    """Record a call of the bot to Discord's API, if this process records spans."""
    return NO_SPAN if active is None else active.calling(method, named_path(path))


def serving(method: str, route: str, headers: Mapping[str, str]) -> AbstractContextManager[Span]:
    """Record a request that rest answers, if this process records spans."""
    return NO_SPAN if active is None else active.serving(method, named_path(route), headers)


def sending(method: str, route: str, host: str) -> AbstractContextManager[Span]:
    """Record one attempt of rest at Discord, if this process records spans."""
    return NO_SPAN if active is None else active.sending(method, named_path(route), host)


def is_of_discord(url: str) -> bool:
    """Return whether calls to this base URL go to Discord, or to what stands for it, rather than to rest.

    Discord's API and its like are at ``/api``, as at ``https://discord.com/api/v10``; rest's is at ``/``.
    """
    parts = urlsplit(url)
    return parts.path.startswith("/api") or (parts.hostname or "").endswith("discord.com")


def ids_of(envelope: Envelope) -> tuple[int, int]:
    """Return the ids of an event's trace and of its first span, which follow from the event's identity."""
    identity = f"{envelope.shard_id}/{envelope.session_id}/{envelope.seq}".encode()
    digest = hashlib.blake2b(identity, digest_size=24, person=b"nescord trace").digest()
    return int.from_bytes(digest[:16]) or 1, int.from_bytes(digest[16:]) or 1


_TOKENS = re.compile(r"(/(?:webhooks|interactions)/[^/]+)/(?!:)[^/]+")
_CHOSEN = re.compile(r"(/(?:reactions|invites|templates))/(?!:)[^/]+")


def named_path(path: str) -> str:
    """Return a path of Discord's API without ids, tokens, other values or its query, to name a span by."""
    path = re.sub(r"/\d{5,}(?=/|$)", "/:id", path.partition("?")[0])
    return _CHOSEN.sub(r"\1/:name", _TOKENS.sub(r"\1/:token", path))
