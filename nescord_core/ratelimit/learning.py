"""Learns from answers which bucket a route belongs to and what remains of it. 429s: too_many_requests.py."""

from __future__ import annotations

from nescord_core.ratelimit.bucket import Bucket
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.round_trips import RoundTrip
from nescord_core.ratelimit.tickets import Ticket, TicketBucket, TicketLane

__all__ = ["learn", "round_trip_of"]


def learn(
    ticket: Ticket, lane: TicketLane, answer: Answer, now: float, received: float
) -> TicketBucket | None:
    """Apply an answer, other than a 429, that arrived at ``received``.

    Returns the bucket that the lane left, if its route turned out to belong to another one.
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
    is_known = not window.bucket or lane.bucket_hash == window.bucket
    left = None if is_known else _assign(ticket, lane, window.bucket)
    lane.bucket.learn(window, now, ticket.granted_at, received)
    return left


def _assign(ticket: Ticket, lane: TicketLane, bucket_hash: str) -> TicketBucket | None:
    """Move a lane to the bucket of the hash in the answer; all routes with that hash share it."""
    scope, route, bucket = ticket.scope, ticket.route, lane.bucket
    scope.hashes[route.family] = lane.bucket_hash = bucket_hash
    key = f"{bucket_hash}|{route.variant}|{route.major}"
    if key == bucket.key:
        return None
    target = scope.buckets.get(key)
    if target is None and len(bucket.lanes) == 1:
        # The only lane of a provisional bucket: rename that.
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


def round_trip_of(ticket: Ticket, answer: Answer, sent: float | None, received: float) -> RoundTrip:
    """Return the request's times: sent, received and, where headers show it, seen by Discord."""
    window = answer.window
    clock = window.reset if window is not None and answer.status != 429 else None
    seen = clock - window.reset_after if window is not None and clock is not None else None
    return RoundTrip(ticket.granted_at if sent is None else sent, received, seen)
