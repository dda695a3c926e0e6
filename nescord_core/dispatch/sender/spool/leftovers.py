"""Decides about the events that earlier processes left on disk. No I/O.

Of a session that is resumed, the events up to the resume point come from disk, except those below its
acknowledged seq; Discord sends the later ones again. Of any other session, all come from disk. Whatever comes
from disk precedes everything new, in order, and is marked as redelivered.
"""

from __future__ import annotations

import logging
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.spool.files import Leftover
from nescord_core.dispatch.sender.spool.overflow import Overflow, Wanted
from nescord_core.dispatch.sender.worlds import is_of_former_world, world_of
from nescord_core.plurals import counted

__all__ = ["Leftovers"]

log = logging.getLogger(__name__)

_END = (1 << 63) - 1


@dataclass(eq=False)
class _File:
    """A file of an earlier process; ``uses`` counts the parts that are neither dropped nor done."""

    leftover: Leftover
    uses: int = 0


@dataclass(frozen=True, slots=True)
class _Part:
    """The events of one session in a file whose seq is above a number."""

    file: _File
    session_id: str
    above: int = -1

    def position(self, shard_id: int) -> tuple[int, int]:
        """Return its position among the parts of its shard: when the first of its events arrived."""
        leftover = self.file.leftover
        return leftover.process, leftover.firsts[shard_id, self.session_id]


class Leftovers:
    """The files of earlier processes; ``remove`` is called with one that is no longer needed.

    ``undecided`` holds, by shard, the events that Discord may send again: call `decide` with the first event
    of such a shard, before the event is put anywhere.
    """

    def __init__(self, outbox: Outbox, overflow: Overflow, remove: Callable[[Path], None]) -> None:
        self.undecided: dict[int, list[_Part]] = {}
        self.recovered = 0
        self._outbox = outbox
        self._overflow = overflow
        self._remove = remove
        self._adopted: dict[int, _File] = {}

    def found(self, leftovers: Sequence[Leftover]) -> None:
        """Take the files over. A shard's events are delivered in the order in which they were received."""
        for leftover in leftovers:
            file = _File(leftover, uses=len(leftover.seqs))
            if not file.uses:
                self._remove(leftover.path)
            for shard_id, session_id in leftover.seqs:
                self.undecided.setdefault(shard_id, []).append(_Part(file, session_id))
        for shard_id, parts in self.undecided.items():
            parts.sort(key=lambda part: part.position(shard_id))

    def resume(self, shard_id: int, session_id: str, *, seq: int, acknowledged: int) -> None:
        """Deliver what precedes a session's resume point; the rest waits for the first event."""
        parts = self._of_this_world(self.undecided.pop(shard_id, []), session_id)
        later = [_Part(part.file, session_id, seq) for part in parts if part.session_id == session_id]
        for part in later:
            part.file.uses += 1
        self._overflow.close_generation()
        count = 0
        for part in parts:
            is_resumed = part.session_id == session_id
            count += self._adopt(
                shard_id, part, acknowledged if is_resumed else -1, seq if is_resumed else _END
            )
        self._overflow.close_generation()
        if later:
            self.undecided[shard_id] = later
        self._log(count, shard_id, "resumes its session from a later event than main has finished")

    def decide(self, shard_id: int, session_id: str | None) -> None:
        """Decide the rest: Discord resends this session's events; the others are delivered."""
        self._overflow.close_generation()
        count = 0
        for part in self._of_this_world(self.undecided.pop(shard_id, []), session_id or ""):
            if part.session_id == session_id:
                self._release(part.file)
            else:
                count += self._adopt(shard_id, part, part.above, _END)
        self._overflow.close_generation()
        self._log(count, shard_id, "did not resume its session")

    def _of_this_world(self, parts: list[_Part], session_id: str) -> list[_Part]:
        """Return the parts without those of former worlds of the sandbox, which are dropped."""
        world = world_of(session_id)
        former = [part for part in parts if is_of_former_world(part.session_id, world)]
        for part in former:
            self._release(part.file)
        return [part for part in parts if part not in former]

    def _adopt(self, shard_id: int, part: _Part, above: int, upto: int) -> int:
        """Have a part delivered as far as its seq is above ``above`` and not above ``upto``."""
        seqs = part.file.leftover.seqs[shard_id, part.session_id]
        first, end = bisect_right(seqs, above), bisect_right(seqs, upto)
        if first == end:
            self._release(part.file)
            return 0
        size = part.file.leftover.bytes[shard_id, part.session_id] * (end - first) // len(seqs)
        segment = self._overflow.adopt(
            Wanted(shard_id, part.session_id, above, upto), end - first, max(size, 1), floor=seqs[first]
        )
        self._adopted[segment.number] = part.file
        return end - first

    def path_of(self, segment: int) -> Path | None:
        """Return the file of an adopted segment, None if the segment is this process's own."""
        file = self._adopted.get(segment)
        return None if file is None else file.leftover.path

    def finished(self, segment: int) -> bool:
        """Record that a segment is no longer needed; return whether it was an adopted one."""
        file = self._adopted.pop(segment, None)
        if file is not None:
            self._release(file)
        return file is not None

    def _release(self, file: _File) -> None:
        file.uses -= 1
        if not file.uses:
            self._remove(file.leftover.path)

    def _log(self, count: int, shard_id: int, why: str) -> None:
        if count:
            self.recovered += count
            log.warning(
                "shard %d %s; delivering %s from disk, marked as redelivered",
                shard_id,
                why,
                counted(count, "event"),
            )
