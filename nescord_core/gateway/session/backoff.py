"""The formula of exponential backoff with jitter; when a shard waits: `reconnect_delay`."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with jitter, in seconds. ``attempts`` bounds the tries; None is unlimited."""

    base: float = 1.0
    cap: float = 60.0
    attempts: int | None = None

    def delay(self, attempt: int, jitter: float) -> float:
        """Return the wait before retry ``attempt`` (from 1); ``jitter`` (0..1) spreads its upper half."""
        full = min(self.cap, self.base * 2.0 ** min(max(attempt, 1) - 1, 32))
        return full * (0.5 + 0.5 * jitter)

    def exhausted(self, attempt: int) -> bool:
        """Return whether ``attempt`` uses up the allowed tries."""
        return self.attempts is not None and attempt >= self.attempts
