"""How long to wait before trying again."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Doubling waits with jitter, in seconds. ``attempts`` bounds the tries; None is for ever."""

    base: float = 1.0
    cap: float = 60.0
    attempts: int | None = None

    def delay(self, attempt: int, jitter: float) -> float:
        """Return the wait before retry ``attempt`` (from 1), spread over its upper half by ``jitter``."""
        full = min(self.cap, self.base * 2.0 ** min(max(attempt, 1) - 1, 32))
        return full * (0.5 + 0.5 * jitter)

    def exhausted(self, attempt: int) -> bool:
        """Tell whether ``attempt`` tries are all that is allowed."""
        return self.attempts is not None and attempt >= self.attempts
