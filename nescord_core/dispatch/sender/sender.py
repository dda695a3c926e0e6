"""ws's end of the wire: holds events until main has finished them, and sends them to its replicas."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import msgspec

from nescord_core._version import __version__
from nescord_core.dispatch.protocol.bounds import MAX_DEADLINE, command_problem
from nescord_core.dispatch.protocol.endpoint import PROTOCOL
from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.replica.link import Link, ReplicaStats
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.replica.snapshots import SnapshotSource
from nescord_core.dispatch.sender.resolver import Lookup, addresses, look_up
from nescord_core.dispatch.sender.spool.callbacks import SessionCallbacks
from nescord_core.dispatch.sender.spool.spool import MANY, Spool
from nescord_core.dispatch.sender.stream import lease_of
from nescord_core.envelope import Envelope
from nescord_core.errors import GatewayCommandError
from nescord_core.plurals import counted
from nescord_core.settings import WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["HelloFacts", "Sender", "SenderStats"]

log = logging.getLogger(__name__)

_ANSWERS = frozenset({"GUILD_MEMBERS_CHUNK", "RATE_LIMITED"})
"""Events that answer a command and carry its nonce."""

_NONCES = 10_000
_NO_CALLBACKS = SessionCallbacks()
_SHED_LOG_INTERVAL = 60.0
_MOMENT = 1.0
"""Seconds of a drain after which it says what it waits for."""


@dataclass(frozen=True, slots=True)
class HelloFacts:
    """What ws announces about itself: ``cluster`` is new for every start of the process."""

    cluster: str
    shard_ids: tuple[int, ...]
    shard_count: int
    application_id: str = ""


@dataclass(frozen=True, slots=True)
class SenderStats:
    """The outbox: ``depth`` events, of which ``queued`` are unsent, their bytes, and counts since the start.

    ``oldest_age`` is the age of the oldest event in seconds; ``held`` counts the guilds that wait for their
    old replica; ``shed`` counts by shard. ``spilled`` events are only on disk; ``disk_bytes`` is the size of
    the spool and ``disk_error`` why it cannot be written; ``recovered`` counts the events taken over from an
    earlier process.
    """

    depth: int
    queued: int
    bytes: int
    oldest_age: float
    received: int
    acknowledged: int
    redelivered: int
    duplicates: int
    shed: dict[int, int]
    held: int
    replicas: tuple[ReplicaStats, ...]
    spilled: int = 0
    disk_bytes: int = 0
    disk_error: str = ""
    recovered: int = 0


class _Nonce(msgspec.Struct):
    nonce: str | int | None = None


class _RateLimitMeta(msgspec.Struct):
    meta: _Nonce | None = None
    nonce: str | int | None = None


class Sender:
    """Accepts every event with `put` and delivers it at least once, in order per guild.

    ``acknowledged(shard_id, session_id, seq)`` is called at most every ``settings.watermark_interval`` with
    the highest seq up to which the session's events are done. ``command(shard_id, op, data, deadline)`` sends
    a gateway command; it raises GatewayCommandError.
    """

    def __init__(
        self,
        settings: WsSettings,
        *,
        hello: HelloFacts,
        acknowledged: Callable[[int, str, int], None],
        command: Callable[[int, int, bytes, float], Awaitable[None]],
        lookup: Lookup = look_up,
        world: SnapshotSource | None = None,
        callbacks: SessionCallbacks = _NO_CALLBACKS,
    ) -> None:
        self.world = world
        self.settings = settings
        self.outbox = Outbox(max_events=settings.outbox_events, max_bytes=settings.outbox_mb * 1024 * 1024)
        self.partition = Partition()
        self._spool: Spool | None = None
        # Below these limits an event simply waits in memory.
        self._spill_events, self._spill_bytes = settings.outbox_events, settings.outbox_mb * 1024 * 1024
        if settings.outbox_disk_mb > 0:
            self._spool = Spool(
                self.outbox,
                self.partition,
                settings,
                name=hello.cluster,
                shard_ids=hello.shard_ids,
                shard_count=hello.shard_count,
                shed=self._shed_bytes,
                callbacks=callbacks,
            )
            limits = self._spool.overflow.limits
            self._spill_events, self._spill_bytes = limits.spill_events, limits.spill_bytes
        self.hold_restored_until = float("-inf")
        self._hello = hello
        self._report = acknowledged
        self._callbacks = callbacks
        self._command = command
        self._lookup = lookup
        self._links: dict[str, Link] = {}
        self._retired: set[Link] = set()
        self._nonces: dict[str, str] = {}
        self._commands_waiting = 0
        self._tasks: asyncio.TaskGroup | None = None
        self._empty = asyncio.Event()
        self._shed_logged_at = float("-inf")

    def put(self, envelope: Envelope) -> None:
        """Accept an event, without blocking. Beyond the outbox's limit the oldest waiting one is dropped."""
        lane = self._requester(envelope) if self._nonces and envelope.type in _ANSWERS else None
        spool = self._spool
        if spool is not None and envelope[0] in spool.undecided:
            spool.decide(envelope.shard_id, envelope.session_id)
        outbox = self.outbox
        entry = outbox.put(envelope, lane)
        if entry is None:
            return
        if outbox.events == MANY and spool is not None:
            spool.wake()
        fits = outbox.events <= self._spill_events and outbox.bytes <= self._spill_bytes
        if fits and not (spool is not None and spool.overflow.active):
            self.partition.assign(entry)
        else:
            self._make_room_for(entry)

    def _make_room_for(self, entry: Entry) -> None:
        spool = self._spool
        if spool is not None and spool.overflow.take(entry):
            spool.wake()
        else:
            self.partition.assign(entry)
        if self.outbox.overfull and spool is not None:
            spool.write_now()
        if self.outbox.overfull:
            self._shed()

    def resume(self, shard_id: int, session_id: str, *, seq: int, acknowledged: int) -> None:
        """Continue a session from ``seq``; call it after `recovered` and before the shard's first event.

        Of the events up to ``seq``, those above ``acknowledged`` are delivered from disk.
        """
        self.outbox.open(shard_id, session_id, seq)
        if self._spool is not None:
            self._spool.resume(shard_id, session_id, seq=seq, acknowledged=acknowledged)

    def skip(self, shard_id: int, session_id: str, seq: int) -> None:
        """Record an event that is not delivered, so that the session's acknowledged seq can pass it."""
        if self._spool is not None and shard_id in self._spool.undecided:
            self._spool.decide(shard_id, session_id)
        self.outbox.skip(shard_id, session_id, seq)

    @property
    def attached(self) -> bool:
        """Whether at least one replica is ready."""
        return any(link.attached for link in self._links.values())

    def stats(self) -> SenderStats:
        """Return the current state and the counts since the start."""
        outbox, oldest = self.outbox, self.outbox.oldest()
        links = [*self._links.values(), *self._retired]
        return SenderStats(
            depth=outbox.unfinished,
            queued=self.partition.queued() + outbox.spilled,
            bytes=outbox.bytes,
            oldest_age=max(0.0, time.time() - oldest) if oldest is not None else 0.0,
            received=outbox.unfinished
            + outbox.done_count
            + outbox.set_aside
            + sum(outbox.shed_by_shard.values()),
            acknowledged=outbox.done_count,
            redelivered=self.partition.redelivered,
            duplicates=outbox.duplicates,
            shed=dict(outbox.shed_by_shard),
            held=self.partition.held(),
            replicas=tuple(link.stats() for link in links),
            spilled=outbox.spilled,
            disk_bytes=self._spool.overflow.disk_bytes if self._spool else 0,
            disk_error=self._spool.error if self._spool else "",
            recovered=self._spool.recovered if self._spool else 0,
        )

    async def run(self) -> None:
        """Deliver until cancelled."""
        self.hold_restored_until = asyncio.get_running_loop().time() + lease_of(self.settings)
        try:
            async with asyncio.TaskGroup() as tasks:
                self._tasks = tasks
                tasks.create_task(self._report_regularly())
                if self._spool is not None:
                    tasks.create_task(self._spool.run())
                async for wanted in addresses(
                    self.settings.grpc_hosts, interval=self.settings.resolve_interval, lookup=self._lookup
                ):
                    self._reconcile(wanted, tasks)
        finally:
            self._tasks = None
            self._report_watermarks()
            if self._spool is not None:
                await self._spool.close()

    async def recovered(self) -> None:
        """Wait until `run` has read what an earlier process left on disk: that precedes everything `put`."""
        if self._spool is not None:
            await self._spool.recovery_done.wait()

    async def drain(self, timeout: float) -> int:
        """Wait up to ``timeout`` seconds until all is done; return the number of unfinished events.

        Those are not lost: their sequence numbers were not reported, so a RESUME brings them again.
        """
        for link in self._links.values():
            link.tell_waiting(timeout)
        saying = asyncio.get_running_loop().call_later(_MOMENT, self._say_waiting, timeout - _MOMENT)
        try:
            async with asyncio.timeout(timeout):
                while self.outbox.unfinished:
                    self._empty.clear()
                    await self._empty.wait()
        except TimeoutError:
            log.warning("%s not acknowledged within %g s", counted(self.outbox.unfinished, "event"), timeout)
        finally:
            saying.cancel()
        self._report_watermarks()
        return self.outbox.unfinished

    def _say_waiting(self, timeout: float) -> None:
        waiting = counted(self.outbox.unfinished, "event")
        log.info("waiting for main to finish %s, for another %g s at most", waiting, max(0.0, timeout))

    def set_aside(self, envelope: Envelope, why: str) -> None:
        """Record an event that cannot be sent (called by the streams)."""
        self._callbacks.set_aside(envelope, why)

    def acknowledged(self) -> None:
        """Check whether all events are done (called by the streams)."""
        if not self.outbox.unfinished:
            self._empty.set()

    def gateway_command(
        self, address: str, command: pb.GatewayCommand, answer: Callable[[pb.CommandResult], None]
    ) -> None:
        """Start a gateway command (called by the streams); it survives the stream it came on."""
        problem = command_problem(command, waiting=self._commands_waiting)
        if problem is not None:
            answer(pb.CommandResult(id=command.id, error=problem))
            return
        nonce = _nonce(command.data) if command.op == 8 else None
        if nonce is not None:
            self._nonces.pop(nonce, None)
            self._nonces[nonce] = address
            if len(self._nonces) > _NONCES:
                del self._nonces[next(iter(self._nonces))]
        if self._tasks is not None:
            self._commands_waiting += 1
            self._tasks.create_task(self._run_command(command, answer))

    async def _run_command(
        self, command: pb.GatewayCommand, answer: Callable[[pb.CommandResult], None]
    ) -> None:
        shards = self._hello.shard_ids if command.shard_id < 0 else (command.shard_id,)
        deadline = min(command.deadline, MAX_DEADLINE)
        try:
            results = await asyncio.gather(
                *(self._command(shard, command.op, command.data, deadline) for shard in shards),
                return_exceptions=True,
            )
        finally:
            self._commands_waiting -= 1
        errors = [result for result in results if isinstance(result, BaseException)]
        for error in errors:
            if not isinstance(error, GatewayCommandError):
                log.error("a gateway command (opcode %d) failed", command.op, exc_info=error)
        answer(pb.CommandResult(id=command.id, error=" ".join(str(error) or repr(error) for error in errors)))

    def _requester(self, envelope: Envelope) -> str | None:
        """Return the address of the replica whose command the event answers, if it is still one."""
        nonce = _nonce(envelope.data)
        address = self._nonces.get(nonce) if nonce is not None else None
        return address if address in self._links else None

    def _shed(self) -> None:
        while self.outbox.overfull and (entry := self.partition.pop_oldest()) is not None:
            self.outbox.shed(entry)
        self._log_shed()

    def _shed_bytes(self, size: int) -> None:
        """Drop the oldest events in memory, to make room for as many bytes from disk."""
        while size > 0 and (entry := self.partition.pop_oldest()) is not None:
            size -= entry.size()
            self.outbox.shed(entry)
        self._log_shed()

    def _log_shed(self) -> None:
        now = time.monotonic()
        if now - self._shed_logged_at >= _SHED_LOG_INTERVAL:
            self._shed_logged_at = now
            log.error(
                "the outbox is full (%s, %d MB) and drops its oldest events, %d so far:"
                " start main, or let it catch up",
                counted(self.outbox.events, "event"),
                self.outbox.bytes // (1024 * 1024),
                sum(self.outbox.shed_by_shard.values()),
            )

    def _expect(self, wanted: set[str]) -> None:
        """Give each of several replicas the hand-over grace to attach before its share goes to others.

        Otherwise the first to attach would briefly own all guilds.
        """
        for address in sorted(wanted) if len(wanted) > 1 else ():
            self.partition.expect(address)
            grace = self.settings.handover_grace
            asyncio.get_running_loop().call_later(grace, self.partition.vacate, address)

    def _reconcile(self, wanted: set[str], tasks: asyncio.TaskGroup) -> None:
        if not self._links:
            self._expect(wanted)
        for address in wanted - self._links.keys():
            link = self._links[address] = Link(address, self, self._hello_message(address), tasks)
            tasks.create_task(self._run_link(link))
        for address in self._links.keys() - wanted:
            link = self._links.pop(address)
            self._retired.add(link)
            link.retire()

    async def _run_link(self, link: Link) -> None:
        try:
            await link.run()
        finally:
            self._retired.discard(link)

    def _hello_message(self, address: str) -> pb.Hello:
        return pb.Hello(
            protocol=PROTOCOL,
            cluster=self._hello.cluster,
            shard_ids=self._hello.shard_ids,
            shard_count=self._hello.shard_count,
            application_id=self._hello.application_id,
            version=__version__,
            lease=lease_of(self.settings),
            address=address,
        )

    async def _report_regularly(self) -> None:
        while True:
            await asyncio.sleep(self.settings.watermark_interval)
            self._report_watermarks()

    def _report_watermarks(self) -> None:
        for shard_id, session_id, seq in self.outbox.watermarks():
            self._report(shard_id, session_id, seq)
        for shard_id, session_id, seq in self._spool.positions() if self._spool is not None else ():
            self._callbacks.secured(shard_id, session_id, seq)


def _nonce(data: bytes) -> str | None:
    """Return the nonce of a command, or of the event that answers it (RATE_LIMITED: in ``meta``)."""
    try:
        found = msgspec.json.decode(data, type=_RateLimitMeta)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    nonce = found.nonce if found.nonce is not None else found.meta and found.meta.nonce
    return None if nonce is None else str(nonce)
