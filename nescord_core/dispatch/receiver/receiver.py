"""Main's end of the wire: receives events from every ws process and acknowledges finished ones."""

from __future__ import annotations

import asyncio
import logging
import uuid
from collections.abc import Awaitable, Callable, Iterable
from types import TracebackType
from typing import Any, NamedTuple, Self

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from nescord_core._version import __version__
from nescord_core.dispatch.protocol.bounds import batch_problem
from nescord_core.dispatch.protocol.endpoint import (
    PROTOCOL,
    SERVICE,
    server_credentials,
    server_options,
)
from nescord_core.dispatch.protocol.frames import FrameReader
from nescord_core.dispatch.protocol.ranges import coalesce
from nescord_core.dispatch.receiver.commands import Commands
from nescord_core.dispatch.receiver.finished_log import FinishedLog
from nescord_core.dispatch.receiver.handshake import (
    Context,
    MalformedMessage,
    check_secret,
    parse,
    read_hello,
    refuse,
)
from nescord_core.dispatch.receiver.intake import Delivery, Intake
from nescord_core.dispatch.receiver.started_log import StartedLog
from nescord_core.dispatch.receiver.stream import IncomingStream
from nescord_core.envelope import Envelope
from nescord_core.errors import PortTaken
from nescord_core.plurals import counted
from nescord_core.process import ports
from nescord_core.process.safe_text import printable
from nescord_core.settings import MainSettings
from nescord_core.tracing import spans
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Delivery", "Receiver", "ReceiverStats"]

log = logging.getLogger(__name__)

_LISTED = 20
_ALONE = 0.25
"""Seconds for which an event that may have crashed processes runs while no other may start."""


class ReceiverStats(NamedTuple):
    """``duplicates`` are events redelivered after they had finished, or while they were still running."""

    streams: int
    outstanding: int
    received: int
    finished: int
    handed_back: int
    duplicates: int


class Receiver:
    """A gRPC server that passes events to ``accept``, and acknowledgements and gateway commands back.

    Use it as ``async with Receiver(...) as receiver``, then `listen`. For a graceful shutdown: `drain`, hand
    back what is unfinished, and leave the context, which sends the remaining messages and ends the streams.

    ``accept`` is called once for each event, in order, from the event loop, and must not block. It may call
    `done` at once. ``picture``, if given, is awaited with ws's snapshot of its shards, before any event of
    that stream, and later with changes of this replica's share. At most ``settings.credit`` events per stream
    are outstanding. An event that this replica, or any with the same state_dir, has finished before is
    acknowledged and skipped; one whose handlers were running (`mark_started`) in three consecutive crashes
    goes to ``set_aside`` instead. ``withdraw(stream)`` gives up and returns a lost stream's events whose
    handlers have not started; an accepted event starts only while `IncomingStream.may_begin` allows it.
    """

    def __init__(
        self,
        settings: MainSettings,
        *,
        replica: str,
        generation: int,
        accept: Callable[[Delivery], None],
        picture: Callable[[pb.Snapshot | pb.ShardFacts | pb.Share], Awaitable[None]] | None = None,
        set_aside: Callable[[Envelope], None] | None = None,
        withdraw: Callable[[IncomingStream], Iterable[Delivery]] | None = None,
        waiting: Callable[[float], None] | None = None,
    ) -> None:
        self._waiting = waiting
        self._picture = picture
        self._settings = settings
        self._replica = replica
        self._generation = generation
        self._finished_log = FinishedLog(
            settings.state_dir / "dedupe", name=f"main-{replica}-{generation}", window=settings.dedupe_window
        )
        self._started_log = StartedLog(settings.state_dir / "inflight", name=f"main-{replica}-{generation}")
        self._intake = Intake(
            finished=self._finished_log,
            started=self._started_log,
            accept=accept,
            alone=self._release_later,
            set_aside=set_aside,
            withdraw=withdraw,
        )
        self._process = uuid.uuid4().hex
        self._streams: set[IncomingStream] = set()
        self._server: grpc.aio.Server | None = None
        self._health = health.aio.HealthServicer()
        self._tasks = asyncio.TaskGroup()
        self._changed = asyncio.Event()
        self._commands = Commands(self._streams, self._changed)
        self._draining = False
        self._is_flush_scheduled = False

    async def __aenter__(self) -> Self:
        self._finished_log.__enter__()
        await self._tasks.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._close()
        finally:
            try:
                # The block's own error propagates as it is, not in a group.
                await self._tasks.__aexit__(None, None, None)
            finally:
                self._finished_log.__exit__(kind, error, trace)
                self._started_log.close()

    @property
    def attached(self) -> int:
        """The number of ws processes with an open stream."""
        return len(self._streams)

    @property
    def outstanding(self) -> int:
        """The number of events that were passed to ``accept`` and have not come back."""
        return self._intake.outstanding

    def stats(self) -> ReceiverStats:
        """Return the counts since the start."""
        return ReceiverStats(
            streams=len(self._streams),
            outstanding=self.outstanding,
            received=self._intake.received,
            finished=self._intake.finished,
            handed_back=self._intake.handed_back_count,
            duplicates=self._intake.duplicates,
        )

    async def listen(self, host: str | None = None, port: int | None = None) -> int:
        """Start the server (by default where the settings say) and return its port. Raises PortTaken.

        The port is shared (SO_REUSEPORT): a successor listens on it before this process leaves.
        """
        host = self._settings.listen_host if host is None else host
        port = self._settings.listen_port if port is None else port
        server = grpc.aio.server(options=server_options(self._settings.keepalive, self._settings.message_mb))
        method = grpc.stream_stream_rpc_method_handler(
            self._connect,
            request_deserializer=parse,
            response_serializer=pb.FromMain.SerializeToString,
        )
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Connect": method}),))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, server)
        bound = self._bind(server, host, port)
        await self._health.set(SERVICE, health_pb2.HealthCheckResponse.SERVING)
        await server.start()
        self._server = server
        return bound

    def _bind(self, server: grpc.aio.Server, host: str, port: int) -> int:
        address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        credentials = server_credentials(self._settings.security)
        try:
            if credentials is None:
                return server.add_insecure_port(address)
            return server.add_secure_port(address, credentials)
        except RuntimeError as error:
            raise PortTaken(
                address, service="main", key="main.listen", holder=ports.holder_of(host, port)
            ) from error

    def mark_started(self, delivery: Delivery) -> None:
        """Record that the event's handlers start in the next turn of the loop, in case they crash us."""
        self._intake.mark_started(delivery)
        self._flush_soon()

    def unmark_started(self, delivery: Delivery) -> None:
        """Cancel that record."""
        self._intake.unmark_started(delivery)
        self._flush_soon()

    def done(self, delivery: Delivery) -> None:
        """Acknowledge an event whose handlers have all finished; it is never handled again."""
        self._intake.done(delivery)
        self._changed.set()

    def handed_back(self, delivery: Delivery, *, started: bool) -> None:
        """Let ws send the event to another replica; ``started`` marks it as possibly handled."""
        self._intake.handed_back(delivery, started=started)
        self._flush_soon()
        self._changed.set()

    async def command(
        self,
        *,
        shard_id: int | None = None,
        guild_id: int | None = None,
        op: int,
        data: bytes,
        deadline: float,
    ) -> None:
        """Send a gateway command on the shard, on the guild's shard, or on all shards if neither is given.

        ``data`` is the JSON of the payload's ``d``; ``deadline`` is in seconds from now. Raises
        GatewayCommandError.
        """
        await self._commands.send(shard_id=shard_id, guild_id=guild_id, op=op, data=data, deadline=deadline)

    async def drain(self, timeout: float) -> int:
        """Stop accepting events; wait up to ``timeout`` seconds until all accepted ones are finished.

        The listening socket is closed first, so that ws, asked to drain, reaches the successor when it
        redials. Returns the number of events still outstanding, which should be handed back.
        """
        self._draining = True
        self._intake.return_waiting()
        if self._server is not None:
            await self._health.enter_graceful_shutdown()
            self._tasks.create_task(self._server.stop(timeout + self._settings.drain_timeout))
            await asyncio.sleep(0)
        for stream in self._streams:
            stream.drain(timeout)
        try:
            async with asyncio.timeout(timeout):
                while self.outstanding or not all(stream.is_drained for stream in self._streams):
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            log.warning("%s unfinished after %g s of draining", counted(self.outstanding, "event"), timeout)
        return self.outstanding

    async def _close(self) -> None:
        """Send the remaining messages, then end every stream and the server."""
        self._draining = True
        for stream in self._streams:
            stream.close()
        if self._server is not None:
            await self._server.stop(self._settings.drain_timeout)
            self._server = None

    async def _connect(self, requests: Any, context: Context) -> None:
        """Serve one stream; gRPC calls this in a task of its own."""
        peer = context.peer()
        await check_secret(context, self._settings.security.secret)
        hello = await read_hello(context)
        if self._draining:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "This main is shutting down.")
        self._supersede(hello)
        stream = IncomingStream(peer, hello, self._settings.linger)
        await context.write(pb.FromMain(ready=self._ready()))
        self._streams.add(stream)
        self._intake.attach(stream)
        if self._draining:  # since the check above
            stream.drain(self._settings.drain_timeout)
        self._changed.set()
        log.info("ws attached from %s with shards %s", peer, _format_shards(stream.shard_ids))
        try:
            async with asyncio.TaskGroup() as tasks:
                serving = [
                    tasks.create_task(self._read(stream, context)),
                    tasks.create_task(stream.renew_regularly()),
                ]
                await stream.write_until_closed(context.write, self._finished_log.flush)
                for task in serving:
                    task.cancel()
        except* grpc.aio.AbortError as aborted:
            raise aborted.exceptions[0] from None
        # BaseError: among others a server that stopped while this stream was still being served.
        except* (grpc.RpcError, grpc.aio.BaseError, asyncio.InvalidStateError) as broken:
            log.info("stream from ws at %s broke: %s", peer, broken.exceptions[0])
        finally:
            self._detach(stream)

    def _ready(self) -> pb.Ready:
        return pb.Ready(
            protocol=PROTOCOL,
            replica=self._replica,
            generation=self._generation,
            credit=self._settings.credit,
            version=__version__,
            snapshot=self._picture is not None,
            process=self._process,
        )

    def _supersede(self, hello: pb.Hello) -> None:
        """Drop an earlier stream of the same ws process: it opens only one per address."""
        for stream in [each for each in self._streams if each.is_superseded_by(hello)]:
            log.info("ws at %s reconnected", stream.peer)
            self._detach(stream)

    async def _read(self, stream: IncomingStream, context: Context) -> None:
        reader = FrameReader()
        self._finished_log.refresh()
        self._started_log.refresh()
        while isinstance(message := await context.read(), pb.FromWs):
            match message.WhichOneof("kind"):
                case "events":
                    await self._take_batch(stream, reader, message.events, context)
                case "command_result":
                    stream.result(message.command_result)
                case "snapshot" | "shards" | "share" as kind if self._picture is not None:
                    if not stream.is_lost:  # its successor has newer data
                        await self._take_picture(self._picture, getattr(message, kind), stream)
                case "waiting" if self._waiting is not None:
                    self._waiting(message.waiting.timeout)
                case "renewed":
                    stream.renewed(message.renewed)
                case "drained":
                    stream.is_drained = True
                    self._changed.set()
        if isinstance(message, MalformedMessage):
            await refuse(context, "sent a message that is not part of this protocol")
        stream.close()

    @staticmethod
    async def _take_picture(
        picture: Callable[[Any], Awaitable[None]], message: Any, stream: IncomingStream
    ) -> None:
        """Pass a snapshot on. One that the bot's library cannot use costs what is in it, not the events."""
        try:
            await picture(message)
        except Exception as error:
            why = printable(f"{type(error).__name__}: {error}", 300)
            log.error("a snapshot from ws at %s could not be used (%s)", stream.peer, why)

    async def _take_batch(
        self, stream: IncomingStream, reader: FrameReader, batch: pb.EventBatch, context: Context
    ) -> None:
        room = max(self._settings.credit, 1) - len(stream.outstanding)
        problem = batch_problem(batch, expected=stream.next_delivery, room=room)
        if problem is not None and not stream.is_lost:
            await refuse(context, problem)
        stream.next_delivery = batch.first_delivery + len(batch.seq)
        if batch.redelivered:
            self._finished_log.refresh()
            self._started_log.refresh()
        if batch.span and spans.active is not None:
            stream.spans.update(enumerate(batch.span, batch.first_delivery))
        try:
            reader.read(batch, lambda number, envelope: self._intake.arrive(stream, number, envelope))
        except (ValueError, KeyError) as error:
            await refuse(context, f"sent a malformed batch ({error!r})")

    def _release_later(self, delivery: Delivery) -> None:
        asyncio.get_running_loop().call_later(_ALONE, self._intake.release, delivery)

    def _flush_soon(self) -> None:
        """Write the record before the handlers start: callbacks run in the order they were scheduled."""
        if not self._is_flush_scheduled:
            self._is_flush_scheduled = True
            asyncio.get_running_loop().call_soon(self._flush_started)

    def _flush_started(self) -> None:
        self._is_flush_scheduled = False
        self._started_log.flush(self._intake.running)

    def _detach(self, stream: IncomingStream) -> None:
        """Drop a stream; idempotent."""
        self._streams.discard(stream)
        stream.lose()
        self._intake.detach(stream)
        self._flush_soon()
        self._changed.set()


def _format_shards(shard_ids: frozenset[int]) -> str:
    ranges = coalesce(shard_ids)
    return (
        ",".join(f"{a}-{b}" if a < b else str(a) for a, b in ranges[:_LISTED])
        + (",..." if len(ranges) > _LISTED else "")
        or "none"
    )
