"""For how long a replica may begin what it was sent, and how long ws waits before others may.

A process that is frozen, or cut off, finds events in its buffers when it goes on, and ws may have given them
to another replica meanwhile. So main asks ws from time to time whether the stream is still served, and begins
an event only for so many seconds after an answered question was *asked*; ws, when a stream breaks, waits as
long after its last *answer* before anything that was in flight goes elsewhere. An answer is never older than
its question, so the one time is over before the other, whatever the two clocks show.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from heapq import heappop, heappush

__all__ = ["Fence", "Lease"]

_UNANSWERED = 64
"""Questions that are remembered while no answer comes."""


@dataclass(slots=True)
class _Waiting:
    since: float
    go: Callable[[bool], None]
    is_free: bool = False
    is_late: bool = False


class Lease:
    """Main's side of one stream; ``seconds`` is what ws promised, 0 for a ws that promises nothing.

    Events are known by numbers that grow in the order in which they are to begin. What `may_begin` refuses is
    given to `wait`; its ``go`` is called with False when a new answer says that the stream is served, and
    `may_begin` is to be asked again then. It is called with True when even the answer to a question asked
    since then came too late to be sure: the event begins as one that may be handled elsewhere too, for
    otherwise a long way would stop everything.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("inf") if not seconds else float("-inf")
        self._asked: dict[int, float] = {}
        self._last = 0
        self._waiting: dict[int, _Waiting] = {}
        self._order: list[int] = []

    @property
    def interval(self) -> float | None:
        """Seconds between two questions; None when there is nothing to ask."""
        return self._seconds / 3 if self._seconds else None

    def may_begin(self, number: int, now: float) -> bool:
        """Tell whether an event may begin now, which it then does."""
        if not self._waiting:
            return now < self._until
        if number > self._first():  # or it would overtake
            return False
        waiting = self._waiting.get(number)
        if now >= self._until and not (waiting is not None and waiting.is_late):
            return False
        self.forget(number)
        return True

    def wait(self, number: int, go: Callable[[bool], None], now: float) -> bool:
        """Keep an event back; true for the first: a question is to be asked at once."""
        if number not in self._waiting:
            heappush(self._order, number)
        self._waiting[number] = _Waiting(now, go)
        return len(self._waiting) == 1

    def forget(self, number: int) -> None:
        """An event waits no longer."""
        self._waiting.pop(number, None)

    def ask(self, now: float) -> int:
        """Return the number of a question that is asked now."""
        self._last += 1
        self._asked[self._last] = now
        if len(self._asked) > _UNANSWERED:
            del self._asked[next(iter(self._asked))]
        return self._last

    def answered(self, question: int, now: float) -> None:
        """An answer came: what waited for it goes on, in order."""
        asked = self._asked.get(question)
        if asked is None:
            return
        for older in [each for each in self._asked if each <= question]:
            del self._asked[older]
        self._until = max(self._until, asked + self._seconds)
        is_sure = now < self._until
        for _, waiting in sorted(self._waiting.items()):
            if not is_sure and waiting.since > asked:
                break
            if not waiting.is_free:
                waiting.is_free, waiting.is_late = True, not is_sure
                waiting.go(not is_sure)

    def end(self) -> None:
        """The stream is over: nothing of it begins any more."""
        self._until = float("-inf")
        self._asked.clear()
        self._waiting.clear()
        self._order.clear()

    def _first(self) -> int:
        while self._order[0] not in self._waiting:
            heappop(self._order)
        return self._order[0]


class Fence:
    """Ws's side of one stream: from when on what was in flight may go elsewhere."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._until = float("-inf")

    def granted(self, now: float) -> None:
        """Main is told now that the stream is served."""
        self._until = now + self.seconds

    def remaining(self, now: float) -> float:
        """Return the seconds still to be waited."""
        return max(0.0, self._until - now)
