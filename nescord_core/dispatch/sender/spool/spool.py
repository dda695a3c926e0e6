"""Moves events between memory and disk as the overflow rules decide, in a thread of its own."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.spool.callbacks import Replayable, SessionCallbacks
from nescord_core.dispatch.sender.spool.files import SpoolFiles, read_file
from nescord_core.dispatch.sender.spool.leftovers import Leftovers
from nescord_core.dispatch.sender.spool.overflow import Overflow, Segment, SpillLimits
from nescord_core.dispatch.sender.spool.records import Stored, Unfit
from nescord_core.dispatch.sender.spool.write_behind import Position, Write, WriteBehind
from nescord_core.plurals import counted
from nescord_core.settings import WsSettings

__all__ = ["MANY", "Spool"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_POLL_INTERVAL = 0.02
"""Seconds between two checks for work while something is on disk."""

_WATCH_INTERVAL, _IDLE_INTERVAL = 0.05, 0.25
"""Seconds between two checks whether events have to be written behind, with `MANY` in memory and with fewer.

With fewer, one event may be left behind by later ones that are done, which takes longer.
"""
MANY = 50
"""Events in memory from which on a session may have to be written behind: half of the fewest that Discord
replays. The sender wakes the spool when it reaches them."""

_WRITE_EVERY = 0.2
_WRITE_AT = 1024 * 1024
_RETRY = 5.0
_MEMORY = 0
"""The number of the file with the events that were in memory at the end; segments count from 1."""

_LOG_INTERVAL = 60.0
"""Seconds between two log lines about a disk that cannot be written or has no room."""


class _Append:
    """A write of a segment's first events to its file, under way in the thread."""

    def __init__(self, segment: Segment, work: Future[tuple[int, list[Unfit]]], count: int) -> None:
        self.segment = segment
        self.work = work
        self.count = count
        self.is_finished = False


class Spool:
    """The disk behind an outbox.

    ``shed(bytes)`` is called to drop the oldest events in memory. Call `decide` with the first event of a
    shard in ``undecided``, before the event is put anywhere.
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
        callbacks: SessionCallbacks,
    ) -> None:
        limits = SpillLimits.of(
            max_events=settings.outbox_events,
            max_bytes=settings.outbox_mb * 1024 * 1024,
            disk_bytes=settings.outbox_disk_mb * 1024 * 1024,
        )
        self.overflow = Overflow(outbox, partition, limits)
        self.error = ""
        self._behind = WriteBehind(outbox, self.overflow, callbacks.replayable or _same(settings))
        self._leftovers = Leftovers(outbox, self.overflow, self._unlink)
        self.undecided = self._leftovers.undecided
        self._outbox = outbox
        self._shed = shed
        self._set_aside = callbacks.set_aside
        self._shard_ids = frozenset(shard_ids)
        self._files = SpoolFiles(
            settings.state_dir / "spool", name=name, shard_ids=shard_ids, shard_count=shard_count
        )
        self._thread: ThreadPoolExecutor | None = None
        self._wake = asyncio.Event()
        self._appends: set[_Append] = set()
        self._being_read: Segment | None = None
        self.recovery_done = asyncio.Event()
        """Set once the files of earlier processes are known; no event may be put anywhere before that."""
        self._write_at = 0.0
        self._retry_at = 0.0
        self._logged_at = float("-inf")
        self._dropped = 0
        self._dropped_logged_at = float("-inf")

    @property
    def recovered(self) -> int:
        """The number of events taken over from earlier processes."""
        return self._leftovers.recovered

    def wake(self) -> None:
        """Signal that there is work."""
        self._wake.set()

    def positions(self) -> list[Position]:
        """Return the sessions up to which everything is done or on disk, where that has changed."""
        return self._behind.risen()

    def resume(self, shard_id: int, session_id: str, *, seq: int, acknowledged: int) -> None:
        """Deliver what precedes the point from which a session is resumed, but not what is acknowledged."""
        self._leftovers.resume(shard_id, session_id, seq=seq, acknowledged=acknowledged)
        self._wake.set()

    def decide(self, shard_id: int, session_id: str | None) -> None:
        """Decide a shard's leftovers: Discord resends this session's events; the others are delivered."""
        self._leftovers.decide(shard_id, session_id)
        self._wake.set()

    async def run(self) -> None:
        """Take over what an earlier process left, then serve until cancelled."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nescord-spool")
        await self._recover()
        self.recovery_done.set()
        while True:
            if self.overflow.idle and self._behind.is_idle:
                await self._until_woken()
            else:
                await asyncio.sleep(_POLL_INTERVAL)
            await self._remove_expendable()
            await self._read()
            await self._write()
            await self._write_behind()

    async def _until_woken(self) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_WATCH_INTERVAL if self._outbox.events >= MANY else _IDLE_INTERVAL):
                await self._wake.wait()
        self._wake.clear()

    async def close(self) -> None:
        """Store unfinished events; the next process delivers those that Discord does not send again."""
        if self._thread is None:
            return
        try:
            await self._remove_expendable()
            if self._outbox.unfinished:
                await self._store_unfinished()
                log.info(
                    "keeping %s on disk for the next start",
                    counted(self._outbox.unfinished, "unfinished event"),
                )
            await self._in_thread(self._files.close)
        except OSError as error:
            self._log_error(error)
        finally:
            self._thread.shutdown(wait=False)
            self._thread = None

    async def _store_unfinished(self) -> None:
        """Write the events in memory to a file that is read first: they are older than spilled ones."""
        left = [Stored(entry.order, entry.envelope) for entry in self._outbox.entries()]
        if left:
            await self._in_thread(lambda: self._files.append(_MEMORY, left))
        self.write_now()
        for number in [*self.overflow.kept_files(), *self._behind.files()]:
            await self._remove(number)

    async def _recover(self) -> None:
        try:
            leftovers = await self._in_thread(self._files.take_over)
        except OSError as error:
            self._log_error(error)
            return
        self._leftovers.found(leftovers)
        for shard_id in self.undecided.keys() - self._shard_ids:
            self.decide(shard_id, None)

    def _unlink(self, path: Path) -> None:
        if self._thread is not None:
            self._thread.submit(path.unlink, missing_ok=True)

    # Disk to memory

    async def _read(self) -> None:
        overflow = self.overflow
        while (segment := overflow.excess()) is not None:
            self._shed(segment.bytes or segment.size)
            await self._restore(segment)
            await self._remove_expendable()
        while (segment := overflow.readable()) is not None:
            await self._restore(segment)

    async def _restore(self, segment: Segment) -> None:
        adopted = self._leftovers.path_of(segment.number)
        self._being_read = segment
        try:
            if not segment.size:
                items: list[Stored] = []
            elif adopted is not None:
                items = await self._in_thread(lambda: _read(lambda: read_file(adopted, is_known=True)))
            else:
                items = await self._in_thread(lambda: _read(lambda: self._files.read(segment.number)))
        finally:
            self._being_read = None
        before = sum(self._outbox.shed_by_shard.values())
        self.overflow.restore(segment, items)
        lost = sum(self._outbox.shed_by_shard.values()) - before
        if lost:
            log.error("lost %s: the spool file is unreadable", counted(lost, "event"))

    # Memory to disk

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
            self._log_error(error)
        else:
            self._note_writable()

    async def _append(self, segment: Segment) -> None:
        append = self._begin(segment)
        if append is not None:
            # Shielded: what the thread has begun it ends, and `write_now` accounts for it.
            await asyncio.shield(asyncio.wrap_future(append.work))
            self._finish(append)

    def _begin(self, segment: Segment) -> _Append | None:
        items = list(segment.buffered)
        if not items or self._thread is None:
            return None
        work = self._thread.submit(self._files.append, segment.number, items)
        append = _Append(segment, work, len(items))
        self._appends.add(append)
        return append

    def _finish(self, append: _Append) -> None:
        """Wait for a write and account for it, unless `write_now` has done that already. Raises OSError."""
        self._appends.discard(append)
        size, unfit = append.work.result()
        if append.is_finished:
            return
        append.is_finished = True
        self.overflow.written(append.segment, append.count, size, [each.item for each in unfit])
        for each in unfit:
            self._set_aside(each.item.envelope, f"it cannot be written to the spool: {each.why}")

    def write_now(self) -> bool:
        """Write everything that waits to be written, while nothing else runs; return whether that worked.

        A burst that fills memory before the thread gets a turn would otherwise be dropped.
        """
        if self.error or self._thread is None:
            return False
        try:
            for append in list(self._appends):
                self._finish(append)
            for segment in self.overflow.unwritten():
                begun = self._begin(segment) if segment is not self._being_read else None
                if begun is not None:
                    self._finish(begun)
        except OSError as error:
            self._log_error(error)
            return False
        return True

    async def _write_behind(self) -> None:
        now = asyncio.get_running_loop().time()
        if now < self._retry_at:
            return
        try:
            if writes := self._behind.due():
                sizes, error = await self._in_thread(lambda: self._append_all(writes))
                for write, size in zip(writes, sizes, strict=False):
                    self._behind.written(write, size)
                if error is not None:
                    raise error
                self._note_writable()
        except OSError as error:
            self._retry_at = now + _RETRY
            self._log_error(error)

    def _append_all(self, writes: Sequence[Write]) -> tuple[list[int], OSError | None]:
        """Return by how much the files grew, up to the first write that failed: one visit to the thread."""
        sizes: list[int] = []
        try:
            sizes.extend(self._files.append(write.backup.number, write.entries)[0] for write in writes)
        except OSError as error:
            return sizes, error
        return sizes, None

    async def _remove_expendable(self) -> None:
        for number in [*self._behind.expendable(), *self.overflow.expendable()]:
            await self._remove(number)
        self._log_dropped()

    async def _remove(self, number: int) -> None:
        if self._leftovers.finished(number):
            return
        with contextlib.suppress(OSError):  # the next start takes it over and removes it
            await self._in_thread(lambda: self._files.remove(number))

    # Logging

    def _note_writable(self) -> None:
        if self.error:
            log.warning("the spool is writable again")
        self.error = ""

    def _log_error(self, error: OSError) -> None:
        self.error = error.strerror or str(error)
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = now
            log.error("cannot write the spool (%s): events wait in memory only", self.error)

    def _log_dropped(self) -> None:
        now = asyncio.get_running_loop().time()
        if self._behind.dropped == self._dropped or now - self._dropped_logged_at < _LOG_INTERVAL:
            return
        self._dropped, self._dropped_logged_at = self._behind.dropped, now
        log.warning(
            "the spool has reached its limit (ws.outbox_disk_mb): events in memory are no longer on disk as"
            " well, and a crash of ws loses those that Discord does not replay"
        )

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _same(settings: WsSettings) -> Replayable:
    return lambda _shard_id, _session_id: settings.replay_events


def _read(work: Callable[[], list[Stored]]) -> list[Stored]:
    try:
        return work()
    except OSError:
        log.exception("cannot read a spool file")
        return []
