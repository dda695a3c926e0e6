"""Keeps this address from being banned by Cloudflare: the limit is 10,000 invalid requests in ten minutes.

https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""

from __future__ import annotations

from collections import deque

from nescord_core.ratelimit.response import Answer, Scope

__all__ = ["InvalidRequests"]

LIMIT = 10_000
WINDOW = 600.0
SLOW_FROM = 5_000
REFUSE_FROM = 9_500


class InvalidRequests:
    """Counts 401, 403 and 429 (not shared) answers of the whole process, over all tokens."""

    __slots__ = ("_last", "_times", "refuse_from", "slow_from", "window")

    def __init__(
        self, *, slow_from: int = SLOW_FROM, refuse_from: int = REFUSE_FROM, window: float = WINDOW
    ) -> None:
        self.slow_from = slow_from
        self.refuse_from = refuse_from
        self.window = window
        self._times: deque[float] = deque()
        self._last = float("-inf")

    def count(self, now: float) -> int:
        """Return the number of invalid requests in the last ten minutes."""
        times = self._times
        while times and times[0] + self.window <= now:
            times.popleft()
        return len(times)

    def saw(self, answer: Answer, now: float) -> None:
        """Count an answer if it is one to an invalid request."""
        if answer.status in {401, 403} or (answer.status == 429 and answer.scope is not Scope.SHARED):
            self._times.append(now)

    def next_at(self, now: float) -> float:
        """Return when the next request may go; from ``slow_from`` on, requests are spread over the window."""
        if len(self._times) < self.slow_from:
            return now
        count = self.count(now)
        if count < self.slow_from:
            return now
        left = max(self.refuse_from - count, 1)
        return self._last + self.window / left

    def took(self, now: float) -> None:
        """Record that a request was sent."""
        self._last = now

    def refused_until(self, now: float) -> float | None:
        """Return until when everything is refused, or None."""
        if len(self._times) < self.refuse_from or self.count(now) < self.refuse_from:
            return None
        return self._times[len(self._times) - self.refuse_from] + self.window
