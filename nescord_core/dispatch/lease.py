"""For how long a replica may begin what it was sent, and how long ws waits before others may.

A process that is frozen, or cut off, finds events in its buffers when it goes on, and ws may have given them
to another replica meanwhile. So main asks ws from time to time whether the stream is still served, and begins
an event only for so many seconds after an answered question was *asked*; ws, when a stream breaks, waits as
long after its last *answer* before anything that was in flight goes elsewhere. An answer is never older than
its question, so the one time is over before the other, whatever the two clocks show.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

__all__ = ["Fence", "Lease"]

_UNANSWERED = 64
"""Questions that are remembered while no answer comes."""

Begin = Callable[[bool], None]


class Lease:
    """Main's side of one stream; ``seconds`` is what ws promised, 0 for a ws that promises nothing.

    `wait` keeps what may not begin yet. It is called with False when a new answer says that the stream is
    served; with True when even the answer to a question asked since then comes too late to be sure: the event
    is to be begun as one that may be handled elsewhere too, for otherwise a long way would stop everything.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("inf") if not seconds else float("-inf")
        self._asked: dict[int, float] = {}
        self._last = 0
        self._last_at = float("-inf")
        self._waiting: deque[tuple[float, Begin]] = deque()

    @property
    def interval(self) -> float | None:
        """Seconds between two questions; None when there is nothing to ask."""
        return self._seconds / 3 if self._seconds else None

    def holds(self, now: float) -> bool:
        """Tell whether an event may begin."""
        return now < self._until

    def ask(self, now: float) -> int:
        """Return the number of a question that is asked now."""
        self._last += 1
        self._last_at = now
        self._asked[self._last] = now
        if len(self._asked) > _UNANSWERED:
            del self._asked[next(iter(self._asked))]
        return self._last

    def wait(self, begin: Begin, now: float) -> bool:
        """Keep an event back; true when a question is to be asked at once, since none is new enough."""
        self._waiting.append((now, begin))
        return self._last_at < self._waiting[0][0]

    def answered(self, number: int, now: float) -> None:
        """An answer came: begin what waited for it, in order."""
        asked = self._asked.get(number)
        if asked is None:
            return
        for older in [each for each in self._asked if each <= number]:
            del self._asked[older]
        self._until = max(self._until, asked + self._seconds)
        is_sure = self.holds(now)
        while self._waiting and (is_sure or self._waiting[0][0] <= asked):
            self._waiting.popleft()[1](not is_sure)

    def end(self) -> None:
        """The stream is over: nothing of it begins any more."""
        self._until = float("-inf")
        self._asked.clear()
        self._waiting.clear()


class Fence:
    """Ws's side of one stream: from when on what was in flight may go elsewhere."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._until = float("-inf")

    def granted(self, now: float) -> None:
        """Main is told now that the stream is served."""
        self._until = now + self._seconds

    def remaining(self, now: float) -> float:
        """Return the seconds still to be waited."""
        return max(0.0, self._until - now)
