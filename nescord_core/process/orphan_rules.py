"""Rules for processes that a bot has started and whose parent is gone: which of them end, and when."""

from __future__ import annotations

import enum
from collections.abc import Collection
from dataclasses import dataclass

__all__ = ["Fate", "Orphan", "fate"]


class Fate(enum.Enum):
    """What to do with an orphan. DETACHED ones are named in the log and left running."""

    LEFT = "left"
    DETACHED = "detached"
    ENDED = "ended"


@dataclass(frozen=True, slots=True)
class Orphan:
    """A process that was adopted when its parent ended.

    ``session`` is its session's id, and ``has_leader`` whether that session's leader still runs. ``worker``
    is the worker that it comes from, None if its environment does not tell. ``was_early`` means that it was
    adopted while that worker still ran, ``is_fresh`` that it was adopted just now, when a worker ended.
    """

    pid: int
    session: int
    has_leader: bool
    worker: int | None
    was_early: bool = False
    is_fresh: bool = False


def fate(orphan: Orphan, *, sessions: Collection[int], workers: Collection[int], ending: bool) -> Fate:
    """Return what to do with it.

    ``sessions`` are the service's own, ``workers`` those that run; ``ending`` says that the service ends.

    A daemon detaches itself on purpose: it forks, becomes the leader of a session, and forks again, so that
    the leader is gone (daemon(7)). One that forks once leaves its parent early, with a session of its own. A
    helper in a session of its own is that session's leader, and has its parent until that ends.
    """
    if orphan.session not in sessions and (not orphan.has_leader or orphan.was_early):
        return Fate.DETACHED
    if ending:
        return Fate.ENDED
    is_left_behind = orphan.is_fresh if orphan.worker is None else orphan.worker not in workers
    return Fate.ENDED if is_left_behind else Fate.LEFT
