"""Keeps every cluster of this host running, replaces them one by one, and ends them together."""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

from nescord_core.errors import NescordError, ServiceFailed
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.gateway.identify.sharding import format_ids
from nescord_core.services.ws.cluster import ClusterHandle
from nescord_core.services.ws.messages import Begin
from nescord_core.services.ws.plan import ClusterPlan
from nescord_core.settings import WsSettings
from nescord_core.supervisor.restart import GiveUp, Restart, after_exit
from nescord_core.supervisor.spec import RestartPolicy

__all__ = ["ClusterSlot", "Clusters"]

log = logging.getLogger("nescord.ws")

RESTARTS = RestartPolicy(base=0.2, longest=10.0, healthy_after=30.0)
GRACE = 3.0
"""Seconds past the drain time-out before a cluster is killed: it closes connections and writes sessions."""
WARM_UP = 30.0
READY = 60.0
ANSWER = 1.0


@dataclass(slots=True)
class ClusterSlot:
    """One cluster: its shards, the process that holds them now, and the one that waits to take over."""

    index: int
    shard_ids: tuple[int, ...]
    member: ClusterHandle
    successor: ClusterHandle | None = None
    failures: int = 0
    restarts: int = 0
    trouble: str = ""

    @property
    def name(self) -> str:
        """As people know it."""
        return f"cluster {self.index} (shards {format_ids(self.shard_ids)})"

    def unready(self) -> list[str]:
        """Say what is missing."""
        member = self.member
        if member.ended.is_set() or member.condition is None:
            return [f"{self.name} is starting{f': the last one {self.trouble}' if self.trouble else ''}"]
        return list(member.condition.unready)

    def unwell(self) -> list[str]:
        """Say what has not recovered within its bound."""
        member = self.member
        if silence := member.silence:
            return [f"{self.name} has said nothing for {silence:.0f} s"]
        return list(member.condition.unwell) if member.condition else []


class Clusters:
    """The clusters of a plan. `run` returns after `request_stop` and raises what ends them for good."""

    def __init__(self, settings: WsSettings, *, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._changed = changed
        self._plan: ClusterPlan | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._living: set[ClusterHandle] = set()
        self._spare: ClusterHandle | None = None
        self._stopping = asyncio.Event()
        self._news = asyncio.Event()
        self._failure: NescordError | None = None
        self._replacing = asyncio.Lock()
        self.gate: LocalIdentifyGate | None = None
        self.places: list[ClusterSlot] = []

    async def run(self, ask: Callable[[], Awaitable[tuple[ClusterPlan, LocalIdentifyGate] | None]]) -> None:
        """Keep all clusters of the plan running until told to stop; no plan (None) ends it at once.

        A first process imports what it needs while Discord is asked. Raises FatalClose, IdentifyBudgetSpent,
        ServiceFailed, and what ``ask`` raises.
        """
        async with asyncio.TaskGroup() as self._tasks:
            self._spare = self._new()
            found = await ask()
            if found is None or self._stopping.is_set():
                self.request_stop()
                return
            self._plan, self.gate = found
            for index, shard_ids in enumerate(self._plan.clusters):
                self.places.append(ClusterSlot(index, shard_ids, self._new()))
            for place in self.places:
                self._tasks.create_task(self._keep(place))
        if self._failure is not None:
            raise self._failure

    def request_stop(self) -> None:
        """Drain every cluster at once, then end; sessions are kept."""
        self._stopping.set()
        for member in self._living:
            member.stop(self._grace)

    @property
    def is_ready(self) -> bool:
        """Say whether every shard is connected and every cluster has main."""
        return bool(self.places) and all(place.member.is_ready for place in self.places)

    async def replace_all(self) -> Mapping[str, Any]:
        """Put a fresh process in every cluster's place, one after the other; returns what that took.

        Each one resumes the sessions that the old one gave up. Raises ServiceFailed when a new one does not
        start; the clusters after it stay as they are.
        """
        async with self._replacing:
            loop = asyncio.get_running_loop()
            began, spent = loop.time(), self._granted()
            for place in self.places:
                if self._stopping.is_set():
                    raise ServiceFailed("ws", "it is stopping.")
                await self._replace(place)
            identifies = self._granted() - spent
            seconds = loop.time() - began
            resumed = sum(place.member.condition.resumed for place in self.places if place.member.condition)
        line = (
            f"ws  {len(self.places)} clusters replaced in {seconds:.1f} s:"
            f" {resumed} shards resumed, {identifies} IDENTIFYs"
        )
        log.info("%s", line)
        return {"line": line, "resumed": resumed, "identifies": identifies, "seconds": round(seconds, 2)}

    async def ask_numbers(self) -> None:
        """Bring every cluster's numbers up to date, but wait no longer than a second."""
        for place in self.places:
            place.member.ask_numbers()
        try:
            async with asyncio.timeout(ANSWER):
                for place in self.places:
                    await place.member.until_answered()
        except TimeoutError:
            return  # what is known from before is shown

    @property
    def _grace(self) -> float:
        return self._settings.stop_timeout + self._settings.close_timeout + GRACE

    def _granted(self) -> int:
        return self.gate.granted if self.gate else 0

    def _new(self) -> ClusterHandle:
        """Start a process that waits for work, or take the one that was started ahead."""
        if self._spare is not None:
            member, self._spare = self._spare, None
            return member
        assert self._tasks is not None
        member = ClusterHandle(self._note)
        self._living.add(member)
        task = self._tasks.create_task(member.run())
        task.add_done_callback(lambda _: self._living.discard(member))
        if self._stopping.is_set():
            member.stop(self._grace)
        return member

    def _note(self) -> None:
        self._news.set()
        self._changed()

    async def _keep(self, place: ClusterSlot) -> None:
        """Have a process hold these shards until the end."""
        while True:
            await self._serve(place, place.member)
            if self._stopping.is_set():
                return
            if place.successor is None:
                delay = self._after_end(place)
                if delay is None:
                    self.request_stop()
                    return
                if await self._stopped_within(delay):
                    return
                place.restarts += 1
            place.member, place.successor = place.successor or self._new(), None

    async def _serve(self, place: ClusterSlot, member: ClusterHandle) -> None:
        await member.warm.wait()
        if self.gate is not None and not self._stopping.is_set():
            member.begin(self._order(place), self.gate, self._any_connected)
        await member.ended.wait()

    def _order(self, place: ClusterSlot) -> Begin:
        assert self._plan is not None
        return Begin(
            self._settings,
            cluster=place.index,
            shard_ids=place.shard_ids,
            shard_count=self._plan.shard_count,
            gateway_url=self._plan.gateway_url,
            debug=logging.getLogger().isEnabledFor(logging.DEBUG),
        )

    def _any_connected(self) -> bool:
        conditions = (place.member.condition for place in self.places if not place.member.ended.is_set())
        return any(condition.connected for condition in conditions if condition is not None)

    def _after_end(self, place: ClusterSlot) -> float | None:
        """Decide after an end that nobody asked for: seconds until the next start, None to end everything."""
        member = place.member
        if member.failure is not None and not isinstance(member.failure, ServiceFailed):
            self._failure = self._failure or member.failure
            return None
        uptime = asyncio.get_running_loop().time() - member.began if member.began else 0.0
        decision = after_exit(
            RESTARTS,
            exit_code=member.exit_code,
            uptime=uptime,
            failures=place.failures,
            jitter=random.random(),
        )
        why = str(member.failure.message) if member.failure else ""
        if not isinstance(decision, Restart):
            reason = decision.reason if isinstance(decision, GiveUp) else "ended"
            self._failure = self._failure or ServiceFailed(
                "ws", f"{place.name} {reason}.{f' It said: {why}' if why else ''}"
            )
            return None
        place.failures = decision.failures
        place.trouble = why or f"ended with {_described(member.exit_code)}"
        log.error(
            "%s died (process %d): %s; it starts again in %.1f s and resumes its sessions",
            place.name,
            member.pid,
            place.trouble,
            decision.delay,
        )
        return decision.delay

    async def _stopped_within(self, seconds: float) -> bool:
        try:
            async with asyncio.timeout(seconds):
                await self._stopping.wait()
        except TimeoutError:
            return False
        return True

    async def _replace(self, place: ClusterSlot) -> None:
        """Start the new process first; the old one leaves only when the new one is warm."""
        successor = self._new()
        try:
            async with asyncio.timeout(WARM_UP):
                await successor.warm.wait()
        except TimeoutError:
            successor.kill()
            await successor.ended.wait()
        if successor.ended.is_set():
            raise ServiceFailed(
                "ws",
                f"no new process for {place.name} could be started.",
                hint="The old one goes on; its log says more.",
            )
        place.successor, place.failures = successor, 0
        place.member.stop(self._grace)
        await self._until_ready(place, successor)

    async def _until_ready(self, place: ClusterSlot, successor: ClusterHandle) -> None:
        try:
            async with asyncio.timeout(self._grace + READY + self._settings.ready_timeout):
                while not (successor.is_ready or successor.ended.is_set() or self._stopping.is_set()):
                    self._news.clear()
                    await self._news.wait()
        except TimeoutError:
            log.warning("%s was replaced and is not ready yet: %s", place.name, "; ".join(place.unready()))
        if successor.ended.is_set() and not self._stopping.is_set():
            raise ServiceFailed("ws", f"the new process of {place.name} ended at once.", hint="See the log.")


def _described(exit_code: int) -> str:
    return f"signal {-exit_code}" if exit_code < 0 else f"exit code {exit_code}"
