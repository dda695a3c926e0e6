"""Desired and running content of a replica: whatever becomes of a start, what was asked for runs in the end.

Every request makes a revision: the content on disk at that time. A process loads the revision that is desired
when it starts, or newer content. A failure that lies in the code ends the matter until the next request.
After any other one, starts are tried again with growing delays until the desired revision runs.
"""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["Attempt", "Backoff", "Reconciliation"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Delays between attempts, in seconds: ``first``, doubled each time up to ``longest``."""

    first: float = 1.0
    longest: float = 60.0

    def delay(self, failures: int) -> float:
        """Return the delay after a number of failures in a row, at least 1."""
        return min(self.first * 2.0 ** min(failures - 1, 32), self.longest)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The next attempt to start ``revision``, after ``failures`` failed ones."""

    revision: int
    failures: int


@dataclass(slots=True)
class Reconciliation:
    """Revisions of one replica. Without ``backoff``, nothing is tried again."""

    backoff: Backoff | None = None
    desired: int = 0
    running: int | None = None
    """The revision of the serving process, None if there is none."""
    _loaded: dict[int, int] = field(default_factory=dict)
    _failures: int = 0

    @property
    def is_done(self) -> bool:
        """Whether the desired revision runs."""
        return self.running == self.desired

    def request(self, revision: int | None = None) -> None:
        """Desire new content: this revision, or the next one."""
        self.desired = max(self.desired + 1 if revision is None else revision, self.desired)
        self._failures = 0

    def started(self, generation: int) -> None:
        """Record that a process starts: it loads the desired revision."""
        self._loaded[generation] = self.desired

    def revision_of(self, generation: int) -> int | None:
        """Return the revision that a process has loaded, None if it is unknown."""
        return self._loaded.get(generation)

    def serves(self, generation: int) -> int:
        """Record that a process serves; return its revision."""
        self.running = self._loaded[generation]
        self._failures = 0
        return self.running

    def crashed(self) -> None:
        """Record that nothing serves any more."""
        self.running = None

    def gone(self, generation: int) -> None:
        """Forget a process."""
        self._loaded.pop(generation, None)

    def failed(self, *, in_code: bool) -> tuple[Attempt, float] | None:
        """Return the next attempt and the seconds until then; None if only another request helps."""
        if in_code or self.is_done or self.backoff is None:
            return None
        self._failures += 1
        return Attempt(self.desired, self._failures), self.backoff.delay(self._failures)

    def is_due(self, attempt: Attempt) -> bool:
        """Whether an attempt is still needed: nothing has been asked for or achieved since."""
        return not self.is_done and attempt == Attempt(self.desired, self._failures)
