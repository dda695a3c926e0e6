"""What `nescord events failed` shows and `nescord events replay` does."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.errors import NescordError
from nescord_core.tracing.failed_events import REPLAYED, FailedEvent, ReplayQueue, read

__all__ = ["Failure", "collect", "replay"]

_LOOK = 0.05


@dataclass(frozen=True)
class Failure:
    """An event that failed: how often, the last time, and whether it went well since (``mended``)."""

    last: FailedEvent
    times: int
    mended: bool


def collect(state_dir: Path) -> list[Failure]:
    """Return the failed events in the order in which they failed last."""
    return _latest(read(state_dir))


def _latest(records: Sequence[FailedEvent]) -> list[Failure]:
    found: dict[str, Failure] = {}
    for record in records:
        before = found.pop(record.id, None)
        if record.kind == REPLAYED:
            if before is not None:
                found[record.id] = Failure(before.last, before.times, mended=True)
            continue
        found[record.id] = Failure(record, before.times + 1 if before else 1, mended=False)
    return list(found.values())


@dataclass
class Replay:
    """What became of the events that were sent again, by id."""

    handled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    untaken: list[str] = field(default_factory=list)


def replay(state_dir: Path, ids: Sequence[str] | None, *, timeout: float) -> Replay:
    """Have main handle failed events again, and wait up to ``timeout`` seconds for what becomes of them.

    ``ids`` is None for all that did not go well since. What nobody takes within that time is withdrawn.

    Raises:
        NescordError: there is no such event, or its data was too large to be kept.

    """
    chosen = _chosen(collect(state_dir), ids)
    queue, began = ReplayQueue(state_dir), time.time()
    for event in chosen:
        queue.put(event)
    result = Replay()
    open_events = {event.id: event for event in chosen}
    end = time.monotonic() + timeout
    while open_events and time.monotonic() < end:
        time.sleep(_LOOK)
        for record in read(state_dir):
            if record.at >= began and open_events.pop(record.id, None) is not None:
                (result.handled if record.kind == REPLAYED else result.failed).append(record.id)
    for event in open_events.values():
        (result.untaken if queue.withdraw(event) else result.running).append(event.id)
    return result


def _chosen(failures: Sequence[Failure], ids: Sequence[str] | None) -> list[FailedEvent]:
    by_id = {each.last.id: each.last for each in failures}
    if ids is None:
        return [each.last for each in failures if not each.mended and each.last.data is not None]
    for name in ids:
        if name not in by_id:
            raise NescordError(f"no failed event is called {name}.", hint="List them: nescord events failed")
        if by_id[name].data is None:
            raise NescordError(f"{name} is too large: its data was not kept, so it cannot be sent again.")
    return [by_id[name] for name in dict.fromkeys(ids)]
