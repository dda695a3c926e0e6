"""One stream to a replica, as ws sees it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeAlias

import grpc
import grpc.aio

from nescord_core.dispatch.protocol.batching import Linger
from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, SECRET_KEY, open_channel
from nescord_core.dispatch.protocol.frames import FrameWriter, ranges_of
from nescord_core.dispatch.protocol.lease import Fence
from nescord_core.dispatch.sender.health import Condition, ReplicaHealth
from nescord_core.dispatch.sender.outbox import Entry, Outbox
from nescord_core.dispatch.sender.partition import Partition
from nescord_core.dispatch.sender.snapshots import ReplicaSnapshots, SnapshotSource
from nescord_core.errors import NescordError, ProtocolMismatch, TransportError
from nescord_core.settings import WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["OutgoingStream", "StreamContext", "dial", "lease_of"]

log = logging.getLogger(__name__)

_Call: TypeAlias = grpc.aio.StreamStreamCall[pb.FromWs, pb.FromMain]


_FACTS_INTERVAL = 5.0
_WATCH_INTERVAL = 1.0
_MB = 1024 * 1024
_ROOM = 4096
"""What a message takes beside the data of its one event."""


class StreamContext(Protocol):
    """What a stream works on: the rules' state, shared by all streams of the sender."""

    world: SnapshotSource | None
    settings: WsSettings
    outbox: Outbox
    partition: Partition
    quiet_until: float
    """Until then (the loop's time) replicas may begin what an earlier process of ws has sent them."""

    def acknowledged(self) -> None:
        """Some events are done."""

    def gateway_command(
        self, address: str, command: pb.GatewayCommand, answer: Callable[[pb.CommandResult], None]
    ) -> None:
        """Start a gateway command; ``answer`` is called with its result."""


async def dial(
    address: str, settings: WsSettings, hello: pb.Hello
) -> tuple[grpc.aio.Channel, _Call, pb.Ready]:
    """Open a stream to a replica on a connection of its own, up to its Ready.

    Raises TransportError, or ProtocolMismatch if that replica speaks another version.
    """
    channel = open_channel(
        address, settings.security, keepalive=settings.keepalive, message_mb=settings.message_mb
    )
    try:
        secret = settings.security.secret
        call: _Call = channel.stream_stream(
            METHOD,
            request_serializer=_serialize,
            response_deserializer=pb.FromMain.FromString,
        )(metadata=((SECRET_KEY, secret),) if secret else None)
        async with asyncio.timeout(settings.connect_timeout):
            await call.write(pb.FromWs(hello=hello))
            return channel, call, _checked(await call.read(), address)
    except BaseException as error:
        await channel.close()
        translated = _translated(error, address)
        if translated is None:
            raise
        raise translated from error


def _serialize(message: pb.FromWs) -> bytes:
    return message.SerializeToString()


def _checked(first: object, address: str) -> pb.Ready:
    if not isinstance(first, pb.FromMain) or first.WhichOneof("kind") != "ready":
        raise TransportError(f"What listens at {address} is not nescord's main.", hint="Check ws.grpc_host.")
    if first.ready.protocol != PROTOCOL:
        raise ProtocolMismatch(ours=PROTOCOL, theirs=first.ready.protocol, peer=f"main at {address}")
    return first.ready


def _translated(error: BaseException, address: str) -> NescordError | None:
    match error:
        case grpc.aio.AioRpcError():
            return _refused(error, address)
        case TimeoutError():
            return TransportError(f"main at {address} does not answer.")
        case asyncio.InvalidStateError() | grpc.aio.UsageError():
            return TransportError(f"main at {address} closed the stream.")
    return None


def _refused(error: grpc.aio.AioRpcError, address: str) -> NescordError:
    match error.code():
        case grpc.StatusCode.UNAVAILABLE:
            return TransportError(f"main is not there yet at {address}.")
        case grpc.StatusCode.UNIMPLEMENTED:
            return TransportError(
                f"What listens at {address} is not nescord's main.", hint="Check ws.grpc_host."
            )
    return TransportError(f"main at {address} refuses this ws: {error.details()}")


def lease_of(settings: WsSettings) -> float:
    """Return the seconds of the lease: over well before a peer that says nothing counts as dead."""
    return min(settings.lease, settings.keepalive / 2)


class OutgoingStream:
    """A stream that is open; `run` serves it until it ends.

    ``over`` is set as soon as nothing more may be sent on it: the replica drains, or the stream is gone.
    ``broken`` tells which.
    """

    def __init__(
        self, address: str, board: StreamContext, channel: grpc.aio.Channel, call: _Call, ready: pb.Ready
    ) -> None:
        self.replica = ready.replica
        self.generation = ready.generation
        self.process = ready.process
        self.over = asyncio.Event()
        self.broken = False
        self._address = address
        self._board = board
        self._channel = channel
        self._call = call
        self._fence = Fence(lease_of(board.settings))
        self._ended = asyncio.Event()
        self.condition = Condition.WELL
        self.health = ReplicaHealth(
            asyncio.get_running_loop().time(),
            silent_after=board.settings.silent_after if ready.process and board.settings.lease else 0.0,
            stuck_after=board.settings.stuck_after,
        )
        self._wake = asyncio.Event()
        self._messages: deque[pb.FromWs] = deque()
        self._linger = Linger(board.settings.linger)
        self._frames = FrameWriter()
        self._stream = board.partition.attach(address, credit=ready.credit, notify=self._wake.set)
        self._world = board.world if ready.snapshot else None
        self._snapshots: ReplicaSnapshots | None = None
        if self._world is not None:
            self._snapshots = ReplicaSnapshots(board.partition, self._stream, self._world)
            self._wake.set()

    @property
    def in_flight(self) -> int:
        """How many events are on their way or being handled."""
        return len(self._stream.in_flight)

    async def run(self) -> None:
        """Serve the stream; whatever is in flight when it ends goes back into the outbox, marked."""
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = [
                    tasks.create_task(self._write()),
                    tasks.create_task(self._tell_facts()),
                    tasks.create_task(self._watch()),
                ]
                await self._read()
                for task in serving:
                    task.cancel()
        except* (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError) as broken:
            self.broken = True
            log.debug("the stream to main at %s broke: %s", self._address, broken.exceptions[0])
        finally:
            try:
                await self._end()
            finally:
                await self._channel.close()

    def release(self) -> None:
        """The process at the other end has given up what it had not begun: there is nothing to wait for."""
        self._ended.set()

    async def _end(self) -> None:
        """Give what is in flight to others, once the process at the other end may not begin it any more."""
        partition = self._board.partition
        try:
            if self.broken:
                partition.abandon(self._stream)
                self.over.set()
                await self._pass_fence()
        finally:
            lost = partition.lose(self._stream)
            self.over.set()
            if lost or self.broken:
                log.warning("lost main at %s; %d events are sent again, marked", self._address, lost)

    async def _pass_fence(self) -> None:
        remaining = self._fence.remaining(asyncio.get_running_loop().time())
        if self.in_flight and remaining > 0:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ended.wait(), remaining)

    async def _write(self) -> None:
        while True:
            await self._wake.wait()
            self._wake.clear()
            await self._write_messages()
            await self._tell_shares()
            await self._write_events()

    async def _write_messages(self) -> None:
        while self._messages:
            await self._call.write(self._messages.popleft())

    async def _tell_shares(self) -> None:
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
        """Send what there is to send, until there is something that has to be said before."""
        settings, loop = self._board.settings, asyncio.get_running_loop()
        while not self._messages:
            delay = self._linger.delay(loop.time())
            if delay and self._board.partition.ready(self._stream) < settings.batch_events:
                await asyncio.sleep(delay)
            if loop.time() < self._board.quiet_until and self._board.partition.has_restored(self._stream):
                await asyncio.sleep(self._board.quiet_until - loop.time())
            if self._snapshots is not None and self._snapshots.behind:
                self._wake.set()
                break
            first, batch = self._board.partition.take(
                self._stream, max_events=settings.batch_events, max_bytes=settings.batch_kb * 1024
            )
            if not batch:
                break
            if len(batch) == 1 and batch[0].size() > settings.message_mb * _MB - _ROOM:
                self._give_up(first, batch[0])
                continue
            await self._call.write(self._frames.frame(first, batch))
            self._linger.sent(loop.time(), len(batch))

    def _give_up(self, number: int, entry: Entry) -> None:
        """No message can carry that event: it would break the stream each time that it is sent."""
        envelope = entry.envelope
        log.error(
            "%s of shard %d, session %s, seq %d has %d MB, more than a message may have (%d): it is given up",
            envelope.type,
            envelope.shard_id,
            envelope.session_id,
            envelope.seq,
            len(envelope.data) // _MB,
            self._board.settings.message_mb,
        )
        for each in self._board.partition.settle(self._stream, number, number):
            self._board.outbox.shed(each)
        self._board.acknowledged()

    async def _tell_facts(self) -> None:
        while self._world is not None:
            self._say(pb.FromWs(shards=self._world.facts()))
            await asyncio.sleep(_FACTS_INTERVAL)

    async def _watch(self) -> None:
        """Say how the replica does, when that changes."""
        interval = min(_WATCH_INTERVAL, self._board.settings.silent_after / 2)
        while True:
            await asyncio.sleep(interval)
            now, before = asyncio.get_running_loop().time(), self.condition
            oldest = next(iter(self._stream.in_flight), None)
            self.condition = self.health.look(oldest, now)
            if self.condition is not before:
                self._tell_condition(now)
            if self._snapshots is not None and self._snapshots.behind:  # another stream has let go of a guild
                self._wake.set()

    def _tell_condition(self, now: float) -> None:
        match self.condition:
            case Condition.STUCK:
                entry = next(iter(self._stream.in_flight.values()))
                log.warning(
                    "main at %s is alive, and has not finished %s of shard %d, seq %d, guild %d for %.0f s:"
                    " its log names the handler that hangs; other guilds go on",
                    self._address,
                    entry.envelope.type,
                    entry.envelope.shard_id,
                    entry.envelope.seq,
                    entry.envelope.guild_id,
                    self.health.waiting(now),
                )
            case Condition.SILENT:
                log.warning(
                    "main at %s has said nothing for %.0f s, though its connection stands: its event loop is"
                    " blocked or the process is stopped; %d events wait there",
                    self._address,
                    self.health.silence(now),
                    self.in_flight,
                )
            case Condition.WELL:
                log.info("main at %s goes on", self._address)

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        while isinstance(message := await self._call.read(), pb.FromMain):
            self.health.heard(loop.time())
            match message.WhichOneof("kind"):
                case "ack":
                    self._acknowledge(message.ack)
                case "handed_back":
                    self._take_back(message.handed_back)
                case "renew":
                    self._fence.granted(loop.time())
                    self._say(pb.FromWs(renewed=pb.Renewed(id=message.renew.id)))
                case "command":
                    self._board.gateway_command(self._address, message.command, self._answer)
                case "drain":
                    log.info("main at %s (generation %d) drains", self._address, self.generation)
                    self._board.partition.drain(self._stream)
                    self._snapshots = None
                    self._say(pb.FromWs(drained=pb.Drained()))
                    self.over.set()

    def _acknowledge(self, ack: pb.Ack) -> None:
        board = self._board
        for deliveries in ack.deliveries:
            settled = board.partition.settle(self._stream, deliveries.first, deliveries.last)
            board.outbox.done(*settled)
            if self._snapshots is not None and self._snapshots.handled(settled):
                self._wake.set()
        self._board.acknowledged()

    def _take_back(self, returned: pb.Return) -> None:
        partition = self._board.partition
        count = partition.give_back(self._stream, ranges_of(returned.deliveries), started=False)
        begun = partition.give_back(self._stream, ranges_of(returned.started), started=True)
        log.info("main at %s handed %d events back, %d of them begun", self._address, count + begun, begun)

    def _answer(self, result: pb.CommandResult) -> None:
        self._say(pb.FromWs(command_result=result))

    def _say(self, message: pb.FromWs) -> None:
        self._messages.append(message)
        self._wake.set()
