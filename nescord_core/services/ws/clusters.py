"""Runs every cluster process of this host: restarts them, replaces them one by one, stops them together."""

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
from nescord_core.plurals import counted
from nescord_core.services.ws.cluster import ClusterHandle
from nescord_core.services.ws.messages import Begin
from nescord_core.services.ws.plan import ClusterPlan
from nescord_core.settings import WsSettings
from nescord_core.supervisor.restart import GiveUp, Restart, after_exit, describe_exit
from nescord_core.supervisor.spec import RestartPolicy

__all__ = ["ClusterSlot", "Clusters"]

log = logging.getLogger("nescord.ws")

RESTARTS = RestartPolicy(base=0.2, longest=10.0, healthy_after=30.0)
GRACE = 3.0
"""Seconds past the drain time-out before a cluster is killed, for closing connections and saving sessions."""
SHORTAGE_PAUSE = 5.0
"""Seconds before a retry when the system is short of descriptors or memory; not counted as a failure."""
SUSPECT = 2
"""Quick deaths in a row after which a cluster marks each event before it reads it."""
WARM_UP = 30.0
READY = 60.0
ANSWER = 1.0


@dataclass(slots=True)
class ClusterSlot:
    """One cluster: its shards, the process that holds them, and the process that will replace it."""

    index: int
    shard_ids: tuple[int, ...]
    handle: ClusterHandle
    successor: ClusterHandle | None = None
    failures: int = 0
    restarts: int = 0
    last_error: str = ""

    @property
    def name(self) -> str:
        """The cluster's name in logs and errors."""
        return f"cluster {self.index} (shards {format_ids(self.shard_ids)})"

    def unready(self) -> list[str]:
        """Return what keeps the cluster from being ready, as sentences."""
        handle = self.handle
        if handle.ended.is_set() or handle.condition is None:
            why = f"; the last process failed: {self.last_error}" if self.last_error else ""
            return [f"{self.name} is starting{why}"]
        return list(handle.condition.unready)

    def unwell(self) -> list[str]:
        """Return what has not recovered in time, as sentences."""
        handle = self.handle
        if silence := handle.silence:
            return [f"{self.name} has not responded for {silence:.0f} s"]
        return list(handle.condition.unwell) if handle.condition else []


class Clusters:
    """The clusters of a plan. `run` returns after `request_stop`, and raises a fatal error of any cluster."""

    def __init__(self, settings: WsSettings, *, changed: Callable[[], None]) -> None:
        self._settings = settings
        self._changed = changed
        self._plan: ClusterPlan | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._handles: set[ClusterHandle] = set()
        self._spare: ClusterHandle | None = None
        self._stopping = asyncio.Event()
        self._condition_changed = asyncio.Event()
        self._failure: NescordError | None = None
        self._replacing = asyncio.Lock()
        self.gate: LocalIdentifyGate | None = None
        self.slots: list[ClusterSlot] = []

    async def run(self, ask: Callable[[], Awaitable[tuple[ClusterPlan, LocalIdentifyGate] | None]]) -> None:
        """Run all clusters of the plan until `request_stop`; return at once if ``ask`` returns no plan.

        A first process starts while ``ask`` waits for Discord. Raises FatalClose, IdentifyBudgetSpent,
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
                self.slots.append(ClusterSlot(index, shard_ids, self._new()))
            for slot in self.slots:
                self._tasks.create_task(self._run_slot(slot))
        if self._failure is not None:
            raise self._failure

    def request_stop(self) -> None:
        """Drain all clusters at the same time, then stop; sessions are kept."""
        self._stopping.set()
        for handle in self._handles:
            handle.stop(self._grace)

    @property
    def is_ready(self) -> bool:
        """Whether every shard is connected and every cluster is attached to main."""
        return bool(self.slots) and all(slot.handle.is_ready for slot in self.slots)

    async def replace_all(self) -> Mapping[str, Any]:
        """Replace the process of every cluster, one after the other; return what that took.

        Each new process resumes the sessions of the old one. Raises ServiceFailed when a new process does not
        start; the remaining clusters are not replaced.
        """
        async with self._replacing:
            loop = asyncio.get_running_loop()
            began, spent = loop.time(), self._granted()
            for slot in self.slots:
                if self._stopping.is_set():
                    raise ServiceFailed("ws", "it is stopping.")
                await self._replace(slot)
            identifies = self._granted() - spent
            seconds = loop.time() - began
            resumed = sum(slot.handle.condition.resumed for slot in self.slots if slot.handle.condition)
        line = (
            f"ws  {counted(len(self.slots), 'cluster')} replaced in {seconds:.1f} s:"
            f" {counted(resumed, 'shard')} resumed, {counted(identifies, 'IDENTIFY')}"
        )
        log.info("%s", line)
        return {"line": line, "resumed": resumed, "identifies": identifies, "seconds": round(seconds, 2)}

    async def ask_numbers(self) -> None:
        """Refresh every cluster's statistics, waiting at most `ANSWER` seconds."""
        for slot in self.slots:
            slot.handle.ask_numbers()
        try:
            async with asyncio.timeout(ANSWER):
                for slot in self.slots:
                    await slot.handle.until_answered()
        except TimeoutError:
            return  # the previous statistics stay

    @property
    def _grace(self) -> float:
        return self._settings.stop_timeout + self._settings.close_timeout + GRACE

    def _granted(self) -> int:
        return self.gate.granted if self.gate else 0

    def _new(self) -> ClusterHandle:
        """Start a process without shards, or take the one started in advance."""
        if self._spare is not None:
            handle, self._spare = self._spare, None
            return handle
        assert self._tasks is not None
        handle = ClusterHandle(self._on_change)
        self._handles.add(handle)
        task = self._tasks.create_task(handle.run())
        task.add_done_callback(lambda _: self._handles.discard(handle))
        if self._stopping.is_set():
            handle.stop(self._grace)
        return handle

    def _on_change(self) -> None:
        self._condition_changed.set()
        self._changed()

    async def _run_slot(self, slot: ClusterSlot) -> None:
        """Run one process after the other for these shards until everything stops."""
        while True:
            await self._serve(slot, slot.handle)
            if self._stopping.is_set():
                return
            if slot.successor is None:
                delay = self._after_exit(slot)
                if delay is None:
                    self.request_stop()
                    return
                if await self._stopped_within(delay):
                    return
                slot.restarts += 1
            slot.handle, slot.successor = slot.successor or self._new(), None

    async def _serve(self, slot: ClusterSlot, handle: ClusterHandle) -> None:
        await handle.warm.wait()
        if self.gate is not None and not self._stopping.is_set():
            handle.begin(self._begin_message(slot), self.gate, self._any_connected)
        await handle.ended.wait()

    def _begin_message(self, slot: ClusterSlot) -> Begin:
        assert self._plan is not None
        return Begin(
            self._settings,
            cluster=slot.index,
            shard_ids=slot.shard_ids,
            shard_count=self._plan.shard_count,
            gateway_url=self._plan.gateway_url,
            debug=logging.getLogger().isEnabledFor(logging.DEBUG),
            is_suspect=slot.failures >= SUSPECT,
        )

    def _any_connected(self) -> bool:
        conditions = (slot.handle.condition for slot in self.slots if not slot.handle.ended.is_set())
        return any(condition.connected for condition in conditions if condition is not None)

    def _after_exit(self, slot: ClusterSlot) -> float | None:
        """Return the delay before the restart after an unrequested exit; None to stop everything."""
        handle = slot.handle
        if handle.is_shortage:
            slot.last_error = "could not be started"
            log.error("%s is not running; restarting it in %g s", slot.name, SHORTAGE_PAUSE)
            return SHORTAGE_PAUSE
        if handle.failure is not None and not isinstance(handle.failure, ServiceFailed):
            self._failure = self._failure or handle.failure
            return None
        uptime = asyncio.get_running_loop().time() - handle.started_at if handle.started_at else 0.0
        decision = after_exit(
            RESTARTS,
            exit_code=handle.exit_code,
            uptime=uptime,
            failures=slot.failures,
            jitter=random.random(),
        )
        why = str(handle.failure.message) if handle.failure else ""
        if not isinstance(decision, Restart):
            reason = decision.reason if isinstance(decision, GiveUp) else "exited"
            self._failure = self._failure or ServiceFailed(
                "ws", f"{slot.name} {reason}.{f' Its error: {why}' if why else ''}"
            )
            return None
        slot.failures = decision.failures
        slot.last_error = why or describe_exit(handle.exit_code)
        log.error(
            "%s died (process %d): %s; restarting it in %.1f s, with its sessions",
            slot.name,
            handle.pid,
            slot.last_error,
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

    async def _replace(self, slot: ClusterSlot) -> None:
        """Start the new process; stop the old one only when the new one is warm."""
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
                f"cannot start a new process for {slot.name}.",
                hint="The old process keeps running. See the log.",
            )
        slot.successor, slot.failures = successor, 0
        slot.handle.stop(self._grace)
        await self._until_ready(slot, successor)

    async def _until_ready(self, slot: ClusterSlot, successor: ClusterHandle) -> None:
        try:
            async with asyncio.timeout(self._grace + READY + self._settings.ready_timeout):
                while not (successor.is_ready or successor.ended.is_set() or self._stopping.is_set()):
                    self._condition_changed.clear()
                    await self._condition_changed.wait()
        except TimeoutError:
            log.warning("%s was replaced and is not ready yet: %s", slot.name, "; ".join(slot.unready()))
        if successor.ended.is_set() and not self._stopping.is_set():
            raise ServiceFailed("ws", f"the new process of {slot.name} exited at once.", hint="See the log.")
