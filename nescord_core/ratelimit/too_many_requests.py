"""Classifies a 429 and applies it to what it covers: a bucket, a hidden limit or the global limit.

`response` decides whether it comes from Discord's API or from Cloudflare (a ban of the address).
"""

from __future__ import annotations

from nescord_core.ratelimit.response import Answer, Scope
from nescord_core.ratelimit.tickets import Ticket, TicketLane

__all__ = ["block", "kind_of"]

DEFAULT_WAIT = 1.0
"""Seconds to wait after a 429 that names no time."""


def block(ticket: Ticket, lane: TicketLane, answer: Answer, now: float) -> None:
    """Apply a 429 of Discord's API: everything in its scope waits."""
    window = answer.window
    wait = answer.retry_after or DEFAULT_WAIT
    until = now + max(wait, window.reset_after if window and not window.remaining else 0)
    if answer.scope is Scope.GLOBAL:
        ticket.scope.global_limit.block(until)
        if ticket.route.exempt:
            lane.parked_until = max(lane.parked_until, until)
    elif answer.scope is Scope.SHARED or (answer.remaining or 0) > 0 or not ticket.route.exact:
        # A hidden limit, or one of the resource: only this lane waits.
        lane.parked_until = max(lane.parked_until, until)
    else:
        lane.bucket.exhausted(until, window)


def kind_of(answer: Answer) -> str:
    """Return the kind of a 429 for metrics: ``front`` (a ban), ``hidden``, or its scope."""
    if answer.is_ban:
        return "front"
    return "hidden" if answer.scope is Scope.USER and (answer.remaining or 0) > 0 else answer.scope.value
