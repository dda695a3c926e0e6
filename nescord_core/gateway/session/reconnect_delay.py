"""Decides how long a shard waits before it connects again. Pure.

A good connection is resumed at once, or within `SessionRules.soon` if it keeps breaking; one that was never
established is retried with exponential backoff.
"""

from __future__ import annotations

from nescord_core.gateway.session.states import SessionRules

__all__ = ["ReconnectDelay"]


class ReconnectDelay:
    """The waits of one shard: counts its failures in a row. All times are in seconds on a steady clock."""

    __slots__ = ("_failures", "_lost_at", "_rules")

    def __init__(self, rules: SessionRules) -> None:
        self._rules = rules
        self._failures = 0
        self._lost_at: float | None = None

    def after_loss(
        self,
        now: float,
        jitter: float,
        *,
        connected_for: float | None,
        resumes: bool,
        moved: bool,
        given: float | None = None,
    ) -> float:
        """Return the seconds until the next attempt, and count this failure.

        ``connected_for`` is how long the connection was good, None if it never was; ``resumes`` means that a
        good connection had a session to resume, ``moved`` that the next attempt goes to another host: a bad
        resume host does not delay the main gateway. ``given`` is the wait if Discord or the session start
        limit sets it. ``jitter`` is a random 0..1.
        """
        if resumes or (connected_for is not None and connected_for >= self._rules.stable_after):
            self._failures = 0
        wait = given
        if wait is None:
            wait = self._resume_delay(now, jitter) if resumes else self._retry_delay(jitter, moved=moved)
        self._failures += 1
        return wait

    def _resume_delay(self, now: float, jitter: float) -> float:
        again = self._lost_at is not None and now - self._lost_at < self._rules.stable_after
        self._lost_at = now
        low, high = self._rules.soon
        return low + (high - low) * jitter if again else 0.0

    def _retry_delay(self, jitter: float, *, moved: bool) -> float:
        if moved:
            return self._rules.backoff.delay(1, jitter)
        return self._rules.backoff.delay(self._failures, jitter) if self._failures else 0.0
