"""The state of one stream from a ws process: deliveries, acknowledgements, commands, lease."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from enum import Enum, auto
from typing import Any

from nescord_core.dispatch.protocol.batching import Linger
from nescord_core.dispatch.protocol.lease import Lease
from nescord_core.dispatch.protocol.ranges import coalesce
from nescord_core.envelope import Envelope
from nescord_core.errors import GatewayCommandError
from nescord_core.process.safe_text import printable
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["IncomingState", "IncomingStream", "StreamLostError", "lease_clock"]

_MAX_ERROR = 2000
_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def lease_clock() -> float:
    """Return the lease's clock in seconds; where possible, one that runs while the machine is suspended."""
    return time.clock_gettime(_CLOCK)


class StreamLostError(GatewayCommandError):
    """The stream broke before the result of a command arrived."""


class IncomingState(Enum):
    """The state of a stream."""

    OPEN = auto()
    DRAINING = auto()
    CLOSING = auto()
    LOST = auto()


class IncomingStream:
    """One stream; the servicer's coroutine drives it."""

    def __init__(self, peer: str, hello: pb.Hello, linger: float) -> None:
        self.peer = peer
        self._ws = (hello.cluster, hello.address)
        self.shard_ids = frozenset(hello.shard_ids)
        self.shard_count = max(hello.shard_count, 1)
        self.state = IncomingState.OPEN
        self.is_drained = False
        self.outstanding: dict[int, Envelope] = {}
        self.spans: dict[int, int] = {}
        """The ids of the spans that sent the deliveries; empty without tracing."""
        self.next_delivery = 1
        self._is_renewing = False
        self._lease = Lease(hello.lease)
        self._finished: list[int] = []
        self._unstarted: list[int] = []
        self._started: list[int] = []
        self._control: deque[pb.FromMain] = deque()
        self._results: dict[int, asyncio.Future[str]] = {}
        self._last_command = 0
        self._linger = Linger(linger)
        self._wake = asyncio.Event()

    def is_superseded_by(self, hello: pb.Hello) -> bool:
        """Return whether this Hello is the same ws process, redialling the same address."""
        return bool(hello.address) and self._ws == (hello.cluster, hello.address)

    @property
    def is_open(self) -> bool:
        """Whether arriving events should start."""
        return self.state is IncomingState.OPEN

    @property
    def is_lost(self) -> bool:
        """Whether the stream is gone."""
        return self.state is IncomingState.LOST

    def may_begin(self, number: int) -> bool:
        """Return whether an event of this stream surely still belongs to this replica; if so, it starts.

        ``number`` grows in the order in which events should start.
        """
        return self._lease.may_begin(number, lease_clock())

    def when_sure(self, number: int, go: Callable[[bool], None]) -> None:
        """Call ``go`` once ws confirms the stream; with True if the event may be elsewhere nevertheless."""
        if self._lease.wait(number, go, lease_clock()):
            self._request_renewal()

    def forget(self, number: int) -> None:
        """Stop waiting to start an event."""
        self._lease.forget(number)

    def renewed(self, renewed: pb.Renewed) -> None:
        """Process a granted renewal of the lease."""
        self._lease.renewed(renewed.id, lease_clock())

    async def renew_regularly(self) -> None:
        """Renew the lease at intervals."""
        while (interval := self._lease.interval) is not None:
            self._request_renewal()
            await asyncio.sleep(interval)

    def _request_renewal(self) -> None:
        if not self._is_renewing:  # a peer that reads nothing gets no more of them
            self._is_renewing = True
            self._enqueue(pb.FromMain(renew=pb.Renew(id=self._lease.request_renewal(lease_clock()))))

    def finish(self, number: int) -> None:
        """Acknowledge a delivery with the next message."""
        self.outstanding.pop(number, None)
        self.spans.pop(number, None)
        self._finished.append(number)
        self._wake.set()

    def hand_back(self, number: int, *, started: bool) -> None:
        """Hand a delivery back with the next message, for another replica."""
        self.outstanding.pop(number, None)
        self.spans.pop(number, None)
        (self._started if started else self._unstarted).append(number)
        self._wake.set()

    def drain(self, timeout: float) -> None:
        """Ask ws to send no more events."""
        if self.state is IncomingState.OPEN:
            self.state = IncomingState.DRAINING
            self._enqueue(pb.FromMain(drain=pb.Drain(timeout=timeout)))

    def close(self) -> None:
        """End the stream once everything has been sent."""
        if self.state is not IncomingState.LOST:
            self.state = IncomingState.CLOSING
            self._wake.set()

    def lose(self) -> None:
        """Mark the stream as lost and fail the pending commands."""
        self.state = IncomingState.LOST
        self._lease.end()
        for future in self._results.values():
            if not future.done():
                future.set_exception(StreamLostError(f"The stream to ws at {self.peer} broke."))
        self._results.clear()
        self._wake.set()

    async def command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        """Send a gateway command (shard -1 for all of that ws process) and wait for its result.

        Raises GatewayCommandError with ws's reason, or StreamLostError.
        """
        if self.state in {IncomingState.CLOSING, IncomingState.LOST}:
            raise StreamLostError(f"The stream to ws at {self.peer} is closed.")
        self._last_command += 1
        number = self._last_command
        future = self._results[number] = asyncio.get_running_loop().create_future()
        self._enqueue(
            pb.FromMain(
                command=pb.GatewayCommand(id=number, shard_id=shard_id, op=op, data=data, deadline=deadline)
            )
        )
        try:
            error = await future
        finally:
            self._results.pop(number, None)
        if error:
            raise GatewayCommandError(error)

    def result(self, result: pb.CommandResult) -> None:
        """Resolve a command with its result."""
        future = self._results.get(result.id)
        if future is not None and not future.done():
            future.set_result(printable(result.error, _MAX_ERROR))

    async def write_until_closed(
        self, write: Callable[[pb.FromMain], Awaitable[Any]], before_ack: Callable[[], None]
    ) -> None:
        """Send queued messages until the stream is closed; ``before_ack`` runs before each round."""
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            if self.state is IncomingState.LOST:
                return
            if not self._control and self.state is not IncomingState.CLOSING:
                await asyncio.sleep(self._linger.delay(loop.time()))
            before_ack()
            self._is_renewing = False
            for message, events in self._messages():
                await write(message)
                self._linger.sent(loop.time(), events)
            if self.state is IncomingState.CLOSING and not self._wake.is_set():
                return

    def _enqueue(self, message: pb.FromMain) -> None:
        self._control.append(message)
        self._wake.set()

    def _messages(self) -> Iterator[tuple[pb.FromMain, int]]:
        while self._control:
            yield self._control.popleft(), 0
        if self._finished:
            numbers, self._finished = self._finished, []
            yield pb.FromMain(ack=pb.Ack(deliveries=_ranges(numbers))), len(numbers)
        if self._started or self._unstarted:
            started, self._started = self._started, []
            unstarted, self._unstarted = self._unstarted, []
            handed_back = pb.Return(deliveries=_ranges(unstarted), started=_ranges(started))
            yield pb.FromMain(handed_back=handed_back), len(started) + len(unstarted)


def _ranges(numbers: list[int]) -> list[pb.Range]:
    return [pb.Range(first=first, last=last) for first, last in coalesce(numbers)]
