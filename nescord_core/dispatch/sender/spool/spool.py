"""Moves events between memory and disk as the rules of the overflow say, beside the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.partition import Partition
from nescord_core.dispatch.sender.spool.files import Leftover, SpoolFiles, read_file
from nescord_core.dispatch.sender.spool.overflow import Overflow, Segment, SpillLimits
from nescord_core.dispatch.sender.spool.records import Stored
from nescord_core.settings import WsSettings

__all__ = ["Spool"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_ROUND = 0.02
"""Seconds between two looks at what there is to do while something is on disk."""

_WRITE_EVERY = 0.2
_WRITE_AT = 1024 * 1024
_RETRY = 5.0
_MEMORY = 0
"""The number of the file with what was in memory at the end; segments count from 1."""

_QUIET = 60.0
"""Seconds between two lines about a disk that cannot be written."""


@dataclass(eq=False)
class _OpenLeftover:
    """A file of an earlier process and the sessions in it that are neither dropped nor delivered yet."""

    leftover: Leftover
    open: set[tuple[int, str]]


class Spool:
    """The disk behind an outbox. ``shed(bytes)`` is called to give up the oldest events in memory.

    ``undecided`` has, by shard, what an earlier process left of it: Discord brings those events again if
    their session is resumed. Call `decide` with the first event of such a shard, before it is put anywhere.
    """

    def __init__(
        self,
        outbox: Outbox,
        partition: Partition,
        settings: WsSettings,
        *,
        name: str,
        shard_ids: Sequence[int],
        shard_count: int,
        shed: Callable[[int], None],
    ) -> None:
        limits = SpillLimits.of(
            max_events=settings.outbox_events,
            max_bytes=settings.outbox_mb * 1024 * 1024,
            disk_bytes=settings.outbox_disk_mb * 1024 * 1024,
        )
        self.overflow = Overflow(outbox, partition, limits)
        self.undecided: dict[int, list[tuple[_OpenLeftover, str]]] = {}
        self.recovered = 0
        self.error = ""
        self._outbox = outbox
        self._shed = shed
        self._shard_ids = frozenset(shard_ids)
        self._files = SpoolFiles(
            settings.state_dir / "spool", name=name, shard_ids=shard_ids, shard_count=shard_count
        )
        self._adopted: dict[int, tuple[_OpenLeftover, tuple[int, str]]] = {}
        self._thread: ThreadPoolExecutor | None = None
        self._wake = asyncio.Event()
        self.has_looked = asyncio.Event()
        """Set once it is known what an earlier process left: no event may be put anywhere before that."""
        self._write_at = 0.0
        self._told = float("-inf")

    def wake(self) -> None:
        """There is something to do."""
        self._wake.set()

    async def run(self) -> None:
        """Look for what an earlier process left, then serve until cancelled."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nescord-spool")
        await self._recover()
        self.has_looked.set()
        while True:
            await self._wake.wait()
            while not self.overflow.idle:
                await self._remove_expendable()
                await self._read()
                await self._write()
                await asyncio.sleep(_ROUND)
            self._wake.clear()

    async def close(self) -> None:
        """Keep on disk what is not done: the next process delivers it, should Discord not send it again."""
        if self._thread is None:
            return
        try:
            await self._remove_expendable()
            if self._outbox.unfinished:
                await self._keep()
                log.info("%d unfinished events are kept on disk for the next start", self._outbox.unfinished)
            await self._in_thread(self._files.close)
        except OSError as error:
            self._tell(error)
        finally:
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _keep(self) -> None:
        """Write what is in memory into a file that comes first: it is older than what was spilled."""
        left = [Stored(entry.order, entry.envelope) for entry in self._outbox.entries()]
        if left:
            await self._in_thread(lambda: self._files.append(_MEMORY, left))
        for segment in self.overflow.unwritten():
            await self._append(segment)
        for number in self.overflow.kept_files():
            await self._remove(number)

    # What an earlier process left

    async def _recover(self) -> None:
        try:
            leftovers = await self._in_thread(self._files.take_over)
        except OSError as error:
            self._tell(error)
            return
        for leftover in leftovers:
            kept = _OpenLeftover(leftover, set(leftover.events))
            if not kept.open:
                self._unlink(kept)
            for shard_id, session_id in leftover.events:
                self.undecided.setdefault(shard_id, []).append((kept, session_id))
        for shard_id in self.undecided.keys() - self._shard_ids:
            self.decide(shard_id, None)

    def decide(self, shard_id: int, session_id: str | None) -> None:
        """Settle what is left of a shard by its first event: its session comes again, others do not."""
        left = self.undecided.pop(shard_id, [])
        gone = [(kept, name) for kept, name in left if name != session_id]
        self.overflow.close_generation()
        count = 0
        for kept, name in gone:
            pair = (shard_id, name)
            events = kept.leftover.events[pair]
            segment = self.overflow.adopt(Counter({pair: events}), max(kept.leftover.bytes[pair], 1))
            self._adopted[segment.number] = (kept, pair)
            count += events
        self.overflow.close_generation()
        if count:
            self.recovered += count
            log.warning(
                "shard %d did not resume its session: %d events kept on disk are delivered, marked",
                shard_id,
                count,
            )
            self._wake.set()
        for kept, name in left:
            if name == session_id:
                self._forget(kept, (shard_id, name))

    def _forget(self, kept: _OpenLeftover, pair: tuple[int, str]) -> None:
        kept.open.discard(pair)
        if not kept.open:
            self._unlink(kept)

    def _unlink(self, kept: _OpenLeftover) -> None:
        if self._thread is not None:
            self._thread.submit(kept.leftover.path.unlink, missing_ok=True)

    # Disk to memory and back

    async def _read(self) -> None:
        overflow = self.overflow
        while (segment := overflow.excess()) is not None:
            self._shed(segment.bytes or segment.size)
            await self._restore(segment)
            await self._remove_expendable()
        while (segment := overflow.readable()) is not None:
            await self._restore(segment)

    async def _restore(self, segment: Segment) -> None:
        adopted = self._adopted.get(segment.number)
        if not segment.size:
            items: list[Stored] = []
        elif adopted is not None:
            items = await self._in_thread(lambda: _read(lambda: read_file(adopted[0].leftover.path)))
        else:
            items = await self._in_thread(lambda: _read(lambda: self._files.read(segment.number)))
        before = sum(self._outbox.shed_by_shard.values())
        self.overflow.restore(segment, items)
        lost = sum(self._outbox.shed_by_shard.values()) - before
        if lost:
            log.error("%d events on disk could not be read back and are lost", lost)

    async def _write(self) -> None:
        overflow, now = self.overflow, asyncio.get_running_loop().time()
        segments = overflow.unwritten()
        urgent = not self.error and (overflow.is_pressing or overflow.buffered_bytes >= _WRITE_AT)
        if not segments or (now < self._write_at and not urgent):
            return
        self._write_at = now + _WRITE_EVERY
        try:
            for segment in segments:
                await self._append(segment)
        except OSError as error:
            self._write_at = now + _RETRY
            self._tell(error)
        else:
            if self.error:
                log.warning("the spool can be written again")
            self.error = ""

    async def _append(self, segment: Segment) -> None:
        items = list(segment.buffered)
        size = await self._in_thread(lambda: self._files.append(segment.number, items))
        self.overflow.written(segment, len(items), size)

    async def _remove_expendable(self) -> None:
        for number in self.overflow.expendable():
            await self._remove(number)

    async def _remove(self, number: int) -> None:
        adopted = self._adopted.pop(number, None)
        if adopted is not None:
            self._forget(*adopted)
            return
        with contextlib.suppress(OSError):  # it is taken over and removed at the next start
            await self._in_thread(lambda: self._files.remove(number))

    def _tell(self, error: OSError) -> None:
        self.error = error.strerror or str(error)
        now = asyncio.get_running_loop().time()
        if now - self._told >= _QUIET:
            self._told = now
            log.error("the spool cannot be written (%s): events wait in memory only", self.error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(work: Callable[[], list[Stored]]) -> list[Stored]:
    try:
        return work()
    except OSError:
        log.exception("a file of the spool cannot be read")
        return []
