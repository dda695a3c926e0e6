"""Classifies a 429: whether a bucket, a hidden limit, the global limit or all requests wait, and how long.

Whether it comes from Discord at all or from its front (a ban of the address) is read in `response`.
"""

from __future__ import annotations

from nescord_core.ratelimit.response import Answer, Scope
from nescord_core.ratelimit.tickets import Ticket, TicketLane

__all__ = ["block", "kind_of"]

DEFAULT_WAIT = 1.0
"""Seconds to wait after a 429 that names no time."""


def block(ticket: Ticket, lane: TicketLane, answer: Answer, now: float) -> None:
    """Apply a 429 of Discord's own: whatever its scope covers waits."""
    window = answer.window
    wait = answer.retry_after or DEFAULT_WAIT
    until = now + max(wait, window.reset_after if window and not window.remaining else 0)
    if answer.scope is Scope.GLOBAL:
        ticket.scope.global_limit.block(until)
        if ticket.route.exempt:
            lane.parked_until = max(lane.parked_until, until)
    elif answer.scope is Scope.SHARED or (answer.remaining or 0) > 0 or not ticket.route.exact:
        # A hidden limit, or the resource's own: only this kind of request waits.
        lane.parked_until = max(lane.parked_until, until)
    else:
        lane.bucket.exhausted(until, window)


def kind_of(answer: Answer) -> str:
    """Name a 429 for whoever counts them: its scope, or what it turned out to be."""
    if answer.is_ban:
        return "front"
    return "hidden" if answer.scope is Scope.USER and (answer.remaining or 0) > 0 else answer.scope.value
