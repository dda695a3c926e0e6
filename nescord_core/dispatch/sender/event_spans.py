"""The spans of events on their way to main; only called while this process records spans."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nescord_core.dispatch.sender.outbox import Entry
from nescord_core.tracing import spans

__all__ = ["acknowledged", "interrupted", "sent"]


def sent(entries: Sequence[Entry], address: str) -> list[int]:
    """Begin the spans of a batch; return the ids to send with it, empty without tracing."""
    if spans.active is None:
        return []
    ids = []
    for entry in entries:
        if entry.trace is None:
            entry.trace = spans.active.event(entry.envelope)
        redelivered = entry.redelivered or entry.envelope.redelivered
        ids.append(entry.trace.forwarded(address, redelivered=redelivered))
    return ids


def acknowledged(entries: Iterable[Entry]) -> None:
    """End the spans of events that main has finished."""
    for entry in entries:
        if entry.trace is not None:
            entry.trace.acknowledged()
            entry.trace = None


def interrupted(entries: Iterable[Entry], why: str) -> None:
    """End the deliveries of events that are sent again."""
    for entry in entries:
        if entry.trace is not None:
            entry.trace.interrupted(why)
