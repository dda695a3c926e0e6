"""One stream to a replica, from ws's side."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable, Sized
from typing import Protocol

import grpc
import grpc.aio

from nescord_core.dispatch.protocol.batching import Linger
from nescord_core.dispatch.protocol.bounds import MAX_CREDIT, ranges_problem
from nescord_core.dispatch.protocol.frames import UNFIT, FrameWriter, unfit
from nescord_core.dispatch.protocol.lease import Fence
from nescord_core.dispatch.sender import event_spans
from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.replica.dial import Call
from nescord_core.dispatch.sender.replica.health import Condition, ReplicaHealth
from nescord_core.dispatch.sender.replica.queues import Partition
from nescord_core.dispatch.sender.replica.snapshots import ReplicaSnapshots, SnapshotSource
from nescord_core.envelope import Envelope
from nescord_core.plurals import counted
from nescord_core.settings import WsSettings
from nescord_core.tracing import spans
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["OutgoingStream", "StreamContext", "lease_of"]

log = logging.getLogger(__name__)


_FACTS_INTERVAL = 5.0
_FIRST_FACTS_INTERVAL = 0.25
"""The same until the latency of every shard is known."""
_WATCH_INTERVAL = 1.0
_MB = 1024 * 1024
_MAX_MESSAGES = 4096
"""Answers and renewals that wait for a replica that does not read."""
_OVERHEAD = 4096
"""Room for what a message carries besides the data of a single event."""


class _BadPeerError(Exception):
    """The replica sends what none of ours sends; the text ends a sentence about it."""


class StreamContext(Protocol):
    """The state shared by all streams of the sender."""

    world: SnapshotSource | None
    settings: WsSettings
    outbox: Outbox
    partition: Partition
    hold_restored_until: float
    """Until then (loop time) replicas may still start events that an earlier process of ws has sent them."""

    def set_aside(self, envelope: Envelope, why: str) -> None:
        """Record an event that cannot be sent."""

    def acknowledged(self) -> None:
        """Check whether all events are done."""

    def gateway_command(
        self, address: str, command: pb.GatewayCommand, answer: Callable[[pb.CommandResult], None]
    ) -> None:
        """Start a gateway command; ``answer`` is called with its result."""


def lease_of(settings: WsSettings) -> float:
    """Return the seconds of the lease: it ends well before a silent peer counts as dead."""
    return min(settings.lease, settings.keepalive / 2)


class OutgoingStream:
    """An open stream; `run` serves it until it ends.

    ``over`` is set as soon as nothing more may be sent: the replica drains, or the stream is gone. ``broken``
    is whether it is gone.
    """

    def __init__(
        self, address: str, context: StreamContext, channel: grpc.aio.Channel, call: Call, ready: pb.Ready
    ) -> None:
        self.replica = ready.replica
        self.generation = ready.generation
        self.process = ready.process
        self.over = asyncio.Event()
        self.broken = False
        self.delivered = False
        """Whether the replica has finished an event."""
        self._address = address
        self._context = context
        self._channel = channel
        self._call = call
        self._fence = Fence(lease_of(context.settings))
        self._ended = asyncio.Event()
        self.condition = Condition.WELL
        self.health = ReplicaHealth(
            asyncio.get_running_loop().time(),
            silent_after=context.settings.silent_after if ready.process and context.settings.lease else 0.0,
            stuck_after=context.settings.stuck_after,
        )
        self._wake = asyncio.Event()
        self._messages: deque[pb.FromWs] = deque()
        self._linger = Linger(context.settings.linger)
        self._frames = FrameWriter()
        credit = min(ready.credit, MAX_CREDIT)
        self._stream = context.partition.attach(address, credit=credit, notify=self._wake.set)
        self._world = context.world if ready.snapshot else None
        self._snapshots: ReplicaSnapshots | None = None
        if self._world is not None:
            self._world.request()
            self._snapshots = ReplicaSnapshots(context.partition, self._stream, self._world)
            self._wake.set()

    @property
    def in_flight(self) -> int:
        """The number of events sent and not yet acknowledged."""
        return len(self._stream.in_flight)

    async def run(self) -> None:
        """Serve the stream; events in flight when it ends go back to the outbox, marked as redelivered."""
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = [
                    tasks.create_task(self._write()),
                    tasks.create_task(self._send_shard_facts()),
                    tasks.create_task(self._watch()),
                ]
                await self._read()
                for task in serving:
                    task.cancel()
        except* (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as broken:
            self.broken = True
            log.debug("the stream to main at %s broke: %s", self._address, broken.exceptions[0])
        except* _BadPeerError as bad:
            self.broken = True
            log.error("closed the stream to main at %s: it %s", self._address, bad.exceptions[0])
        finally:
            try:
                await self._end()
            finally:
                await self._channel.close()

    def release(self) -> None:
        """End the wait for the fence: the peer process has dropped the events it had not started."""
        self._ended.set()

    def tell_waiting(self, timeout: float) -> None:
        """Tell the replica that ws is stopping, and how long it waits for the events in flight."""
        with contextlib.suppress(_BadPeerError):
            self._enqueue(pb.FromWs(waiting=pb.Waiting(timeout=timeout)))

    async def _end(self) -> None:
        """Release the events in flight to other replicas, once the peer process may no longer start them."""
        partition = self._context.partition
        try:
            if self.broken:
                partition.abandon(self._stream)
                self.over.set()
                await self._wait_for_fence()
        finally:
            if spans.active is not None:
                event_spans.interrupted(self._stream.in_flight.values(), "the stream is lost")
            lost = partition.lose(self._stream)
            self.over.set()
            if lost:
                log.warning(
                    "lost main at %s; resending %s, marked as redelivered",
                    self._address,
                    counted(lost, "event"),
                )
            elif self.broken:
                log.info("lost the stream to main at %s; no event was in flight", self._address)

    async def _wait_for_fence(self) -> None:
        remaining = self._fence.remaining(asyncio.get_running_loop().time())
        if self.in_flight and remaining > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), remaining)

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write_messages()
            await self._send_snapshots()
            await self._write_events()

    async def _write_messages(self) -> None:
        while self._messages:
            await self._call.write(self._messages.popleft())

    async def _send_snapshots(self) -> None:
        while (snapshots := self._snapshots) is not None and snapshots.behind:
            for message in snapshots.messages():
                if message is None:
                    await asyncio.sleep(0)
                else:
                    await self._call.write(message)
                await self._write_messages()
                if self._snapshots is None:
                    return

    async def _write_events(self) -> None:
        """Send queued events, until something else has to be sent first."""
        settings, loop = self._context.settings, asyncio.get_running_loop()
        while not self._messages:
            delay = self._linger.delay(loop.time())
            if delay and self._context.partition.ready(self._stream) < settings.batch_events:
                await asyncio.sleep(delay)
            if loop.time() < self._context.hold_restored_until and self._context.partition.has_restored(
                self._stream
            ):
                await asyncio.sleep(self._context.hold_restored_until - loop.time())
            if self._snapshots is not None and self._snapshots.behind:
                self._wake.set()
                break
            if self._context.outbox.has_former_worlds:
                self._forget_former_worlds()
            first, batch = self._context.partition.take(
                self._stream, max_events=settings.batch_events, max_bytes=settings.batch_kb * 1024
            )
            if not batch:
                break
            if len(batch) == 1 and batch[0].size() > settings.message_mb * _MB - _OVERHEAD:
                self._drop(first, batch[0])
                continue
            for message in self._encode(first, batch):
                await self._call.write(message)
            self._linger.sent(loop.time(), len(batch))

    def _forget_former_worlds(self) -> None:
        """Drop queued events of a world that the sandbox has forgotten: they would act in the present one."""
        outbox = self._context.outbox
        dropped = self._context.partition.discard(self._stream, lambda entry: entry.track.is_over)
        outbox.done(*dropped)
        if dropped:
            log.info(
                "the sandbox has a new world: %s of the former one not delivered",
                counted(len(dropped), "event"),
            )
            self._context.acknowledged()
        outbox.check_former_worlds()

    def _encode(self, first: int, batch: list[Entry]) -> list[pb.FromWs]:
        """Return the messages of a batch: one, unless some of its events cannot be encoded."""
        try:
            return [self._frames.frame(first, batch, event_spans.sent(batch, self._address))]
        except UNFIT:
            messages: list[pb.FromWs] = []
            for number, entry in enumerate(batch, first):
                if (why := unfit(entry)) is None:
                    messages.append(self._frames.frame(number, [entry]))
                else:
                    self._set_aside(number, entry, f"it cannot be encoded: {why}")
            return messages

    def _set_aside(self, number: int, entry: Entry, why: str) -> None:
        context = self._context
        for each in context.partition.acknowledge(self._stream, number, number):
            context.outbox.refuse(each)
        context.set_aside(entry.envelope, why)
        context.acknowledged()

    def _drop(self, number: int, entry: Entry) -> None:
        """Drop an event that fits into no message: it would break the stream every time."""
        envelope = entry.envelope
        log.error(
            "dropped %s of shard %d, session %s, seq %d: its %d MB exceed the message limit of %d MB",
            envelope.type,
            envelope.shard_id,
            envelope.session_id,
            envelope.seq,
            len(envelope.data) // _MB,
            self._context.settings.message_mb,
        )
        for each in self._context.partition.acknowledge(self._stream, number, number):
            self._context.outbox.shed(each)
        self._context.acknowledged()

    async def _send_shard_facts(self) -> None:
        while self._world is not None:
            facts = self._world.facts()
            self._enqueue(pb.FromWs(shards=facts))
            is_known = bool(facts.latency) and min(facts.latency) >= 0
            await asyncio.sleep(_FACTS_INTERVAL if is_known else _FIRST_FACTS_INTERVAL)

    async def _watch(self) -> None:
        """Log changes of the replica's condition."""
        interval = min(_WATCH_INTERVAL, self._context.settings.silent_after / 2)
        while True:
            await asyncio.sleep(interval)
            now, before = asyncio.get_running_loop().time(), self.condition
            oldest = next(iter(self._stream.in_flight), None)
            self.condition = self.health.check(oldest, now)
            if self.condition is not before:
                self._log_condition(now)
            if self._snapshots is not None and self._snapshots.behind:  # another stream has released a guild
                self._wake.set()

    def _log_condition(self, now: float) -> None:
        match self.condition:
            case Condition.STUCK:
                entry = next(iter(self._stream.in_flight.values()))
                log.warning(
                    "main at %s is alive but has not finished %s (shard %d, seq %d, guild %d) for %.0f s:"
                    " see its log for the hanging handler; other guilds are not affected",
                    self._address,
                    entry.envelope.type,
                    entry.envelope.shard_id,
                    entry.envelope.seq,
                    entry.envelope.guild_id,
                    self.health.waiting(now),
                )
            case Condition.SILENT:
                log.warning(
                    "main at %s has sent nothing for %.0f s although it is connected: its event loop is"
                    " blocked or the process is stopped; %s in flight there",
                    self._address,
                    self.health.silence(now),
                    counted(self.in_flight, "event"),
                )
            case Condition.WELL:
                log.info("main at %s has recovered", self._address)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while isinstance(message := await self._call.read(), pb.FromMain):
            self.health.received(loop.time())
            match message.WhichOneof("kind"):
                case "ack":
                    self._acknowledge(message.ack)
                case "handed_back":
                    self._handle_return(message.handed_back)
                case "renew":
                    self._fence.granted(loop.time())
                    self._enqueue(pb.FromWs(renewed=pb.Renewed(id=message.renew.id)))
                case "command":
                    self._context.gateway_command(self._address, message.command, self._answer)
                case "drain":
                    log.info("main at %s (generation %d) is draining", self._address, self.generation)
                    self._context.partition.drain(self._stream)
                    self._snapshots = None
                    self._enqueue(pb.FromWs(drained=pb.Drained()))
                    self.over.set()

    def _check_ranges(self, *ranges: Sized) -> None:
        problem = ranges_problem(*ranges, credit=self._stream.credit)
        if problem is not None:
            raise _BadPeerError(problem)

    def _acknowledge(self, ack: pb.Ack) -> None:
        self._check_ranges(ack.deliveries)
        context = self._context
        for deliveries in ack.deliveries:
            acknowledged = context.partition.acknowledge(self._stream, deliveries.first, deliveries.last)
            context.outbox.done(*acknowledged)
            if spans.active is not None:
                event_spans.acknowledged(acknowledged)
            self.delivered = self.delivered or bool(acknowledged)
            if self._snapshots is not None and self._snapshots.handled(acknowledged):
                self._wake.set()
        self._context.acknowledged()

    def _handle_return(self, returned: pb.Return) -> None:
        self._check_ranges(returned.deliveries, returned.started)
        partition = self._context.partition
        unstarted = [(each.first, each.last) for each in returned.deliveries]
        begun = [(each.first, each.last) for each in returned.started]
        if spans.active is not None:
            numbers = [number for pair in unstarted + begun for number in self._stream.within(*pair)]
            held = [self._stream.in_flight[each] for each in numbers if each in self._stream.in_flight]
            event_spans.interrupted(held, "handed back")
        count = partition.hand_back(self._stream, unstarted, started=False)
        started = partition.hand_back(self._stream, begun, started=True)
        log.info(
            "main at %s handed back %s, %d of them started",
            self._address,
            counted(count + started, "event"),
            started,
        )

    def _answer(self, result: pb.CommandResult) -> None:
        self._enqueue(pb.FromWs(command_result=result))

    def _enqueue(self, message: pb.FromWs) -> None:
        if len(self._messages) >= _MAX_MESSAGES:
            raise _BadPeerError(f"asks without reading the answers, of which {_MAX_MESSAGES:,} wait")
        self._messages.append(message)
        self._wake.set()
