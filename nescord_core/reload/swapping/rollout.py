"""One reload of a whole group: the first replica tries the new code, the others follow, and the olds drain.

Broken code is so found (and shown) once, before any other replica has been touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nescord_core.reload.swapping.swap import Failure

__all__ = ["Reloaded", "Rollout"]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """What came of a reload.

    ``ms`` is from the first word of a change until the last replica's new process listened. ``during`` counts
    the events that the old processes still had when they were told to drain: ``finished`` by them or
    ``returned`` to be handled by the new ones; ``cut`` were started and not finished in time, and come again
    marked as redelivered, as does what ``killed`` processes had.
    """

    ok: bool
    paths: tuple[str, ...] = ()
    ms: float = 0.0
    generation: int = 0
    finished: int = 0
    returned: int = 0
    cut: int = 0
    killed: int = 0
    failure: Failure | None = None

    @property
    def during(self) -> int:
        """Events that were under way during the swap."""
        return self.finished + self.returned + self.cut

    def line(self) -> str:
        """Say it in one line."""
        where = ", ".join(self.paths[:3]) + (
            f" and {len(self.paths) - 3} more" if len(self.paths) > 3 else ""
        )
        noun = "event" if self.during == 1 else "events"
        text = f"{where or 'reloaded'}  {self.ms:.0f} ms  {self.during} {noun} during the swap, 0 lost"
        if self.cut:
            text += f", {self.cut} cut short and given to the new process again"
        if self.killed:
            text += f"; {self.killed} old process(es) did not end in time, what they had is delivered again"
        return text


@dataclass(slots=True)
class Rollout:
    """The progress of a reload over ``replicas`` places. Times are of one clock, in seconds."""

    replicas: int
    began: float
    paths: tuple[str, ...] = ()
    _asked: set[int] = field(default_factory=set)
    _serving: set[int] = field(default_factory=set)
    _draining: set[tuple[int, int]] = field(default_factory=set)
    _reports: list[Mapping[str, Any]] = field(default_factory=list)
    _killed: int = 0
    _generation: int = 0
    _ready_at: float = 0.0

    def superseding(self, earlier: Rollout | None) -> Rollout:
        """Take over what an unfinished reload had begun: its files, and the old processes it has draining."""
        if earlier is not None:
            self.paths = tuple(dict.fromkeys((*self.paths, *earlier.paths)))
            self._draining, self._reports = earlier._draining, earlier._reports
            self._killed = earlier._killed
        return self

    def first(self) -> list[int]:
        """Return the places to start in: the first alone."""
        self._asked = {0}
        return [0]

    def swapped(self, replica: int, old: int | None, new: int, now: float) -> list[int]:
        """A place serves the new code; return the places to go on with."""
        self._serving.add(replica)
        self._ready_at = now
        self._generation = max(self._generation, new)
        if old is not None:
            self._draining.add((replica, old))
        further = [place for place in range(self.replicas) if place not in self._asked]
        self._asked.update(further)
        return further

    def gone(self, replica: int, old: int, report: Mapping[str, Any] | None, *, killed: bool) -> None:
        """An old process has left, with the report of its drain if it gave one."""
        if (replica, old) in self._draining:
            self._draining.discard((replica, old))
            self._killed += killed
            if report is not None:
                self._reports.append(report)

    def result(self, *, drained: bool = True) -> Reloaded | None:
        """Return what came of it once every place serves the new code and every old process has left.

        Without ``drained`` it does not wait for the latter.
        """
        if len(self._serving) < self.replicas or (drained and self._draining):
            return None
        return Reloaded(
            ok=True,
            paths=self.paths,
            ms=(self._ready_at - self.began) * 1000,
            generation=self._generation,
            finished=self._total("finished"),
            returned=self._total("returned"),
            cut=self._total("cut"),
            killed=self._killed,
        )

    def _total(self, name: str) -> int:
        return sum(int(report.get(name, 0)) for report in self._reports)
