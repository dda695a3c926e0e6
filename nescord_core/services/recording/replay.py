"""Replays events on a running main, and compares the API calls with those made before.

Replayed events have a session of their own, so that they are neither acknowledged to Discord nor recorded as
handled. Events of one guild go to one worker, in order. Events that a worker leaves unfinished (at a reload)
go to its successor.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from nescord_core.config import Config
from nescord_core.errors import NescordError, NotRunning
from nescord_core.services.control import control_socket
from nescord_core.services.control.subscription import (
    Subscription,
    TracedRecord,
    Wanted,
    Worker,
    subscribed,
)
from nescord_core.services.recording.files import Episode
from nescord_core.services.recording.replay_target import ReplayTarget, replay_target
from nescord_core.tracing import records
from nescord_core.tracing.comparison import Change, Line, compare, fitted, moved, spelled

__all__ = ["Replay", "Result", "replay"]

_SESSION = "replay-"
_AT_ONCE = 64
_CONNECT = 5.0
"""Seconds for the first worker to connect."""
_CONNECT_ALL = 1.0


@dataclass(frozen=True)
class Result:
    """The outcome of one event; ``lines`` compare its calls with the earlier ones."""

    before: Episode
    after: Episode
    lines: Sequence[Line]

    @property
    def changed(self) -> bool:
        """Whether the bot makes different calls, or fails differently."""
        calls = any(line.change is not Change.SAME for line in self.lines)
        return calls or self.before.error != self.after.error


@dataclass
class Replay:
    """The outcomes of all events, and the number that did not finish in time."""

    results: list[Result] = field(default_factory=list)
    unfinished: int = 0


async def replay(
    config: Config,
    chosen: Sequence[Episode],
    *,
    speed: float,
    timeout: float,
    on_result: Callable[[Result], None] = lambda _: None,
) -> Replay:
    """Replay the events in order; ``speed`` 1 is as recorded, 0 as fast as the bot takes them.

    ``on_result`` is called with each outcome, in order. ``timeout`` limits the wait, in seconds, for events
    that are still in progress when the last one has been sent.

    Raises:
        NotRunning: no worker of main is connected.

    """
    session = f"{_SESSION}{secrets.token_hex(3)}"
    wanted = Wanted(session_id=session)
    async with replay_target(config) as target, subscribed(config.state_dir, wanted) as subscription:
        run = _ReplayRun(subscription, target, session, chosen, on_result)
        return await run.execute(config.state_dir, speed, timeout)


class _ReplayRun:
    """One run. An event's number is its place in the run, counted from 1, and its sequence number."""

    def __init__(
        self,
        subscription: Subscription,
        target: ReplayTarget,
        session: str,
        chosen: Sequence[Episode],
        on_result: Callable[[Result], None],
    ) -> None:
        self._subscription = subscription
        self._target = target
        self._session = session
        self._chosen = chosen
        self._on_result = on_result
        self._open: dict[int, Worker] = {}
        self._after: dict[int, Episode] = {}
        self._replay = Replay()
        self._changed = asyncio.Condition()
        self._orphans: set[int] = set()
        self._moved: dict[str, str] = {}
        self._held: dict[int, Result] = {}

    async def execute(self, state_dir: Path, speed: float, timeout: float) -> Replay:
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._read())
            try:
                await self._wait_for_workers(state_dir)
                await self._send_all(speed)
                await self._wait(lambda: not self._open, timeout)
            finally:
                reading.cancel()
        for number in sorted(self._held):  # an earlier event never finished
            self._report(self._held[number])
        self._replay.unfinished = len(self._open)
        return self._replay

    async def _wait_for_workers(self, state_dir: Path) -> None:
        """Wait until main's workers have connected: all of them, if main reports their number."""
        if not await self._wait(lambda: bool(self._subscription.workers), _CONNECT):
            raise NotRunning("nescord main", state_dir=str(state_dir))
        try:
            stats = await control_socket.request(state_dir, "status", name=control_socket.MAIN)
            count = len(stats["workers"])
        except NescordError:
            count = 1  # a bot that runs without main's supervisor
        await self._wait(lambda: len(self._subscription.workers) >= count, _CONNECT_ALL)

    async def _send_all(self, speed: float) -> None:
        began, first = time.monotonic(), self._chosen[0].event.received_at if self._chosen else 0.0
        for number, episode in enumerate(self._chosen, 1):
            if speed > 0:
                due = began + (episode.event.received_at - first) / speed
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            await self._wait(lambda: len(self._open) < _AT_ONCE and bool(self._subscription.workers), None)
            self._send(number)

    def _send(self, number: int) -> None:
        event = self._chosen[number - 1].event
        data, moves = fitted(bytes(event.data), self._target.guilds)
        self._moved |= moves
        workers = sorted(self._subscription.workers, key=lambda worker: worker.replica)
        worker = workers[event.key % len(workers)]
        self._open[number] = worker
        worker.send(
            records.ReplayRequest(
                type=event.type,
                session_id=self._session,
                seq=number,
                shard_id=event.shard_id,
                key=event.key,
                guild_id=int(moves.get(str(event.guild_id), event.guild_id)),
                received_at=time.time(),
                rest_url=self._target.rest_url,
                data=msgspec.Raw(data),
            )
        )

    async def _read(self) -> None:
        async for traced in self._subscription:
            await self._take(traced)

    async def _take(self, traced: TracedRecord) -> None:
        match traced.record:
            case records.Seen() as event:
                self._after[event.seq] = Episode(event)
            case records.Called() as call:
                self._after[_number(call.id)].calls.append(call)
            case records.Ended() as end:
                self._end(_number(end.id), end.error)
            case None:
                self._orphans |= {number for number, worker in self._open.items() if worker is traced.worker}
        if self._subscription.workers:
            orphans, self._orphans = self._orphans, set()
            for number in sorted(orphans):
                self._send(number)
        async with self._changed:
            self._changed.notify_all()

    def _end(self, number: int, error: str) -> None:
        before, after = self._chosen[number - 1], self._after[number]
        after.error, after.ended = error, True
        self._open.pop(number, None)
        old = [moved(spelled(call, before.event), self._moved) for call in before.calls]
        new = [spelled(call, after.event) for call in after.calls]
        self._held[number] = Result(before, after, compare(old, new))
        while (following := self._held.pop(len(self._replay.results) + 1, None)) is not None:
            self._report(following)

    def _report(self, result: Result) -> None:
        self._replay.results.append(result)
        self._on_result(result)

    async def _wait(self, until: Callable[[], Any], timeout: float | None) -> bool:
        """Wait until a condition holds; it is checked after every record. False after the timeout."""
        try:
            async with asyncio.timeout(timeout), self._changed:
                await self._changed.wait_for(until)
        except TimeoutError:
            return False
        return True


def _number(event_id: str) -> int:
    return int(event_id.rpartition("-")[2])
