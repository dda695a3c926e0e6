"""Rolls a reload out over a group: the first replica tries the new code, then the others follow.

Broken code is found and shown once, before any other replica is touched.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from nescord_core.plurals import counted
from nescord_core.reload.swapping.failure import Failure

__all__ = ["Reloaded", "Rollout"]


@dataclass(frozen=True, slots=True)
class Reloaded:
    """Result of a reload.

    ``ms`` is the time from the first notice of a change until the last replica's new process listened.
    ``during`` counts the events that the old processes still had when they were told to drain: ``finished``
    by them, ``returned`` to be handled by the new ones, or ``cut``: started but not finished in time. Those,
    and the events of ``killed`` processes, are delivered again, marked as redelivered.
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
        """Number of events in flight during the swap."""
        return self.finished + self.returned + self.cut

    def line(self) -> str:
        """Return the result as one line for users; events in flight are mentioned only if there were some."""
        more = f" and {len(self.paths) - 3} more" if len(self.paths) > 3 else ""
        where = f"  {', '.join(self.paths[:3])}{more}" if self.paths else ""
        text = f"reloaded in {self.ms:.0f} ms{where}"
        if self.during:
            text += f"  {counted(self.during, 'event')} during the swap, 0 lost"
        if self.cut:
            text += f", {self.cut} cut short and redelivered to the new process"
        if self.killed:
            noun = "process" if self.killed == 1 else "processes"
            text += f"; {self.killed} old {noun} killed after the drain time-out, events redelivered"
        return text


@dataclass(slots=True)
class Rollout:
    """Progress of a reload over ``replicas`` slots. Times are in seconds on one clock.

    It is over when all of them serve ``revision`` of the code or a later one.
    """

    replicas: int
    began: float
    paths: tuple[str, ...] = ()
    revision: int = 0
    _requested: set[int] = field(default_factory=set)
    _serving: set[int] = field(default_factory=set)
    _draining: set[tuple[int, int]] = field(default_factory=set)
    _reports: list[Mapping[str, Any]] = field(default_factory=list)
    _killed: int = 0
    _generation: int = 0
    _ready_at: float = 0.0

    def superseding(self, earlier: Rollout | None) -> Rollout:
        """Take over an unfinished reload: its files and the old processes that still drain."""
        if earlier is not None:
            self.paths = tuple(dict.fromkeys((*self.paths, *earlier.paths)))
            self._draining, self._reports = earlier._draining, earlier._reports
            self._killed = earlier._killed
        return self

    def first(self) -> list[int]:
        """Return the replicas to start with: only the first."""
        self._requested = {0}
        return [0]

    def swapped(self, replica: int, old: int | None, new: int, revision: int, now: float) -> list[int]:
        """Record that a replica serves a revision; return the replicas to continue with.

        An older revision is that of a start which this reload has superseded but not stopped in time.
        """
        if old is not None:
            self._draining.add((replica, old))
        if revision < self.revision:
            return []
        self._serving.add(replica)
        self._ready_at = now
        self._generation = max(self._generation, new)
        further = [index for index in range(self.replicas) if index not in self._requested]
        self._requested.update(further)
        return further

    def gone(self, replica: int, old: int, report: Mapping[str, Any] | None, *, killed: bool) -> None:
        """Record that an old process exited, with its drain report if it sent one."""
        if (replica, old) in self._draining:
            self._draining.discard((replica, old))
            self._killed += killed
            if report is not None:
                self._reports.append(report)

    def result(self, *, drained: bool = True) -> Reloaded | None:
        """Return the result once every replica serves the new code and every old process is gone; else None.

        Without ``drained``, old processes may still be draining.
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
