"""What an answer teaches: which bucket its route is in, what is left of it, and what a 429 means."""

from __future__ import annotations

from nescord_core.ratelimit.bucket import Bucket
from nescord_core.ratelimit.response import Answer, Scope
from nescord_core.ratelimit.round_trips import RoundTrip
from nescord_core.ratelimit.tickets import Ticket, TicketBucket, TicketLane

__all__ = ["kind_of", "learn", "limited", "round_trip_of"]

DEFAULT_WAIT = 1.0
"""Seconds to wait after a 429 that names no time."""


def learn(
    ticket: Ticket, lane: TicketLane, answer: Answer, now: float, received: float
) -> TicketBucket | None:
    """Take in an answer that is no 429, which came at ``received``.

    Returns the bucket that the lane left, if its route turned out to be in another one.
    """
    bucket, window = lane.bucket, answer.window
    if not ticket.route.exact:
        if window is not None and window.remaining == 0:
            bucket.parked_until = max(bucket.parked_until, now + window.reset_after)
        return None
    if window is None:
        if answer.status < 400:
            bucket.learn_unlimited()
        else:
            bucket.debit(now)
        return None
    left = _settle(ticket, lane, window.bucket) if window.bucket else None
    lane.bucket.learn(window, now, ticket.granted_at, received)
    return left


def _settle(ticket: Ticket, lane: TicketLane, learned: str) -> TicketBucket | None:
    """Move a lane to the bucket that the answer names; all routes with that hash share it."""
    scope, route, bucket = ticket.scope, ticket.route, lane.bucket
    scope.hashes[route.family] = learned
    key = f"{learned}|{route.variant}|{route.major}"
    if key == bucket.key:
        return None
    target = scope.buckets.get(key)
    if target is None and len(bucket.lanes) == 1:
        # Alone in a provisional bucket: give that its name.
        scope.buckets.pop(bucket.key, None)
        bucket.key = key
        scope.buckets[key] = bucket
        return None
    if target is None:
        target = scope.buckets[key] = Bucket(key)
    bucket.move_lane(lane, target)
    if not bucket.lanes:
        scope.buckets.pop(bucket.key, None)
    return bucket


def limited(ticket: Ticket, lane: TicketLane, answer: Answer, now: float) -> None:
    """Take in a 429 of Discord's own: whoever its scope is about waits."""
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


def round_trip_of(ticket: Ticket, answer: Answer, sent: float | None, received: float) -> RoundTrip:
    """Return the request's way, as far as it is known."""
    window = answer.window
    clock = window.reset if window is not None and answer.status != 429 else None
    seen = clock - window.reset_after if window is not None and clock is not None else None
    return RoundTrip(ticket.granted_at if sent is None else sent, received, seen)
