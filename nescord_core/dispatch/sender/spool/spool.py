"""Moves events between memory and disk as the overflow rules decide, in a thread of its own."""

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
from nescord_core.wording import counted

__all__ = ["Spool"]

log = logging.getLogger(__name__)

T = TypeVar("T")

_POLL_INTERVAL = 0.02
"""Seconds between two checks for work while something is on disk."""

_WRITE_EVERY = 0.2
_WRITE_AT = 1024 * 1024
_RETRY = 5.0
_MEMORY = 0
"""The number of the file with the events that were in memory at the end; segments count from 1."""

_LOG_INTERVAL = 60.0
"""Seconds between two log lines about a disk that cannot be written."""


@dataclass(eq=False)
class _OpenLeftover:
    """A file of an earlier process, and its sessions that are neither dropped nor delivered yet."""

    leftover: Leftover
    open: set[tuple[int, str]]


class Spool:
    """The disk behind an outbox. ``shed(bytes)`` is called to drop the oldest events in memory.

    ``undecided`` holds, by shard, the events of an earlier process: Discord sends them again if their session
    is resumed. Call `decide` with the first event of such a shard, before the event is put anywhere.
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
        self.recovery_done = asyncio.Event()
        """Set once the files of earlier processes are known; no event may be put anywhere before that."""
        self._write_at = 0.0
        self._logged_at = float("-inf")

    def wake(self) -> None:
        """Signal that there is work."""
        self._wake.set()

    async def run(self) -> None:
        """Take over what an earlier process left, then serve until cancelled."""
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="nescord-spool")
        await self._recover()
        self.recovery_done.set()
        while True:
            await self._wake.wait()
            while not self.overflow.idle:
                await self._remove_expendable()
                await self._read()
                await self._write()
                await asyncio.sleep(_POLL_INTERVAL)
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
        for segment in self.overflow.unwritten():
            await self._append(segment)
        for number in self.overflow.kept_files():
            await self._remove(number)

    # What an earlier process left

    async def _recover(self) -> None:
        try:
            leftovers = await self._in_thread(self._files.take_over)
        except OSError as error:
            self._log_error(error)
            return
        for leftover in leftovers:
            pending = _OpenLeftover(leftover, set(leftover.events))
            if not pending.open:
                self._unlink(pending)
            for shard_id, session_id in leftover.events:
                self.undecided.setdefault(shard_id, []).append((pending, session_id))
        for shard_id in self.undecided.keys() - self._shard_ids:
            self.decide(shard_id, None)

    def decide(self, shard_id: int, session_id: str | None) -> None:
        """Decide a shard's leftovers: Discord resends this session's events; the others are delivered."""
        left = self.undecided.pop(shard_id, [])
        undelivered = [(pending, name) for pending, name in left if name != session_id]
        self.overflow.close_generation()
        count = 0
        for pending, name in undelivered:
            pair = (shard_id, name)
            events = pending.leftover.events[pair]
            segment = self.overflow.adopt(Counter({pair: events}), max(pending.leftover.bytes[pair], 1))
            self._adopted[segment.number] = (pending, pair)
            count += events
        self.overflow.close_generation()
        if count:
            self.recovered += count
            log.warning(
                "shard %d did not resume its session; delivering %s from disk, marked as redelivered",
                shard_id,
                counted(count, "event"),
            )
            self._wake.set()
        for pending, name in left:
            if name == session_id:
                self._close_session(pending, (shard_id, name))

    def _close_session(self, pending: _OpenLeftover, pair: tuple[int, str]) -> None:
        pending.open.discard(pair)
        if not pending.open:
            self._unlink(pending)

    def _unlink(self, pending: _OpenLeftover) -> None:
        if self._thread is not None:
            self._thread.submit(pending.leftover.path.unlink, missing_ok=True)

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
            log.error("lost %s: the spool file is unreadable", counted(lost, "event"))

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
            if self.error:
                log.warning("the spool is writable again")
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
            self._close_session(*adopted)
            return
        with contextlib.suppress(OSError):  # the next start takes it over and removes it
            await self._in_thread(lambda: self._files.remove(number))

    def _log_error(self, error: OSError) -> None:
        self.error = error.strerror or str(error)
        now = asyncio.get_running_loop().time()
        if now - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = now
            log.error("cannot write the spool (%s): events wait in memory only", self.error)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def _read(work: Callable[[], list[Stored]]) -> list[Stored]:
    try:
        return work()
    except OSError:
        log.exception("cannot read a spool file")
        return []
