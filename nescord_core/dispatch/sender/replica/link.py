"""Keeps a stream open to one replica's address: dials, redials, hands over when the replica drains."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from dataclasses import dataclass
from enum import StrEnum

from nescord_core.dispatch.sender.replica.dial import dial
from nescord_core.dispatch.sender.replica.redial import Redial
from nescord_core.dispatch.sender.stream import OutgoingStream, StreamContext
from nescord_core.errors import NescordError, TransportError
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["Link", "LinkState", "ReplicaStats"]

log = logging.getLogger(__name__)

_LOG_INTERVAL = 30.0
"""Seconds between two log lines about an unreachable replica."""


class LinkState(StrEnum):
    """The state of the connection to a replica."""

    DIALLING = "dialling"
    ATTACHED = "attached"
    DRAINING = "draining"


@dataclass(frozen=True, slots=True)
class ReplicaStats:
    """A replica as ws sees it; ``error`` is why it is not attached, if it is not.

    ``condition`` is its health (see `Condition`). ``waiting`` and ``silence`` are the seconds for which its
    oldest event has been unfinished, and since it last sent something.
    """

    address: str
    state: LinkState
    replica: str
    generation: int
    in_flight: int
    error: str
    condition: str = ""
    waiting: float = 0.0
    silence: float = 0.0


class Link:
    """The connection to one replica's address, for as long as that is configured."""

    def __init__(
        self, address: str, context: StreamContext, hello: pb.Hello, tasks: asyncio.TaskGroup
    ) -> None:
        self._address = address
        self._context = context
        self._hello = hello
        self._tasks = tasks
        self._current: OutgoingStream | None = None
        self._served: set[OutgoingStream] = set()
        self._retired = asyncio.Event()
        self._error = ""
        settings = context.settings
        self._redial = Redial(settings.redial_min, settings.redial_max)
        self._logged_at: dict[str, float] = {}
        self._successor_until = float("-inf")

    @property
    def attached(self) -> bool:
        """Whether events can be sent."""
        return self._current is not None

    def tell_waiting(self, timeout: float) -> None:
        """Tell the replica that ws is stopping and waits for its events."""
        if self._current is not None:
            self._current.tell_waiting(timeout)

    def retire(self) -> None:
        """Stop redialling: the address is no longer a replica's."""
        self._retired.set()

    def stats(self) -> ReplicaStats:
        """Return the current stats of the replica."""
        draining = next((each for each in self._served if not each.broken), None)
        stream = self._current or draining
        now = asyncio.get_running_loop().time()
        state = LinkState.ATTACHED if self._current else LinkState.DRAINING if stream else LinkState.DIALLING
        return ReplicaStats(
            address=self._address,
            state=state,
            replica=stream.replica if stream else "",
            generation=stream.generation if stream else 0,
            in_flight=sum(outbound.in_flight for outbound in self._served),
            error="" if self._current else self._error,
            condition=stream.condition.value if stream else "",
            waiting=round(stream.health.waiting(now), 1) if stream else 0.0,
            silence=round(stream.health.silence(now), 1) if stream else 0.0,
        )

    async def run(self) -> None:
        """Dial and serve until retired."""
        try:
            while not self._retired.is_set():
                try:
                    outbound = await self._attach()
                except NescordError as error:
                    await self._fail(error)
                    continue
                await outbound.over.wait()
                self._current = None
                if not outbound.broken:
                    self._await_successor()
                now = asyncio.get_running_loop().time()
                pause = self._redial.ended(now, delivered=outbound.delivered, broken=outbound.broken)
                await self._pause(pause)
        finally:
            self._context.partition.vacate(self._address)

    async def _attach(self) -> OutgoingStream:
        channel, call, ready = await dial(self._address, self._context.settings, self._hello)
        outbound = OutgoingStream(self._address, self._context, channel, call, ready)
        log.info(
            "attached to main at %s (replica %s, generation %d)",
            self._address,
            ready.replica,
            ready.generation,
        )
        self._redial.began(asyncio.get_running_loop().time())
        self._error, self._logged_at = "", {}
        self._current = outbound
        for before in self._served:
            if before.broken and ready.process and before.process == ready.process:
                before.release()
        self._served.add(outbound)
        self._tasks.create_task(self._serve(outbound))
        return outbound

    async def _serve(self, outbound: OutgoingStream) -> None:
        try:
            await outbound.run()
        finally:
            self._served.discard(outbound)

    async def _fail(self, error: NescordError) -> None:
        self._error = str(error)
        now = asyncio.get_running_loop().time()
        last = self._logged_at.get(self._error, float("-inf"))  # a new reason is logged at once
        if now - last >= _LOG_INTERVAL and now >= self._successor_until:
            self._logged_at[self._error] = now
            level = logging.WARNING if isinstance(error, TransportError) else logging.ERROR
            log.log(level, "%s Events wait in the outbox.", error)
        await self._pause(self._redial.failed())

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._retired.wait()

    def _await_successor(self) -> None:
        """Keep the replica's share for its successor, which is dialled at once, for a grace period."""
        loop, grace = asyncio.get_running_loop(), self._context.settings.handover_grace
        self._successor_until = loop.time() + grace
        loop.call_later(grace, self._context.partition.vacate, self._address)
