"""Lists failed events for `nescord events failed`, and replays them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.errors import NescordError
from nescord_core.tracing.failed_events import REPLAYED, FailedEvent, ReplayQueue, read

__all__ = ["Failure", "collect", "replay"]

_POLL_INTERVAL = 0.05


@dataclass(frozen=True)
class Failure:
    """An event that failed ``times`` times; ``resolved`` if a later replay succeeded."""

    last: FailedEvent
    times: int
    resolved: bool


def collect(state_dir: Path) -> list[Failure]:
    """Return the failed events, ordered by their last failure."""
    return _latest(read(state_dir))


def _latest(records: Sequence[FailedEvent]) -> list[Failure]:
    found: dict[str, Failure] = {}
    for record in records:
        before = found.pop(record.id, None)
        if record.kind == REPLAYED:
            if before is not None:
                found[record.id] = Failure(before.last, before.times, resolved=True)
            continue
        found[record.id] = Failure(record, before.times + 1 if before else 1, resolved=False)
    return list(found.values())


@dataclass
class Replay:
    """The ids of replayed events by outcome; nothing picked up those in ``untaken``."""

    handled: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    running: list[str] = field(default_factory=list)
    untaken: list[str] = field(default_factory=list)


def replay(state_dir: Path, ids: Sequence[str] | None, *, timeout: float) -> Replay:
    """Have main handle failed events again, and wait up to ``timeout`` seconds for the outcomes.

    ``ids`` is None for all events not yet replayed successfully. Events that no worker takes within that time
    are withdrawn.

    Raises:
        NescordError: an event does not exist, or its data was too large to be kept.

    """
    chosen = _chosen(collect(state_dir), ids)
    queue, began = ReplayQueue(state_dir), time.time()
    for event in chosen:
        queue.put(event)
    result = Replay()
    pending = {event.id: event for event in chosen}
    end = time.monotonic() + timeout
    while pending and time.monotonic() < end:
        time.sleep(_POLL_INTERVAL)
        for record in read(state_dir):
            if record.at >= began and pending.pop(record.id, None) is not None:
                (result.handled if record.kind == REPLAYED else result.failed).append(record.id)
    for event in pending.values():
        (result.untaken if queue.withdraw(event) else result.running).append(event.id)
    return result


def _chosen(failures: Sequence[Failure], ids: Sequence[str] | None) -> list[FailedEvent]:
    by_id = {each.last.id: each.last for each in failures}
    if ids is None:
        return [each.last for each in failures if not each.resolved and each.last.data is not None]
    for name in ids:
        if name not in by_id:
            raise NescordError(
                f"no failed event has the id {name}.", hint="List them with `nescord events failed`."
            )
        if by_id[name].data is None:
            raise NescordError(f"{name} cannot be replayed: it was too large for its data to be kept.")
    return [by_id[name] for name in dict.fromkeys(ids)]
