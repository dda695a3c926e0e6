"""Entry point of a cluster process: holds some shards and sends their events to main.

The parent (parent.py) starts it with an end of a channel, always in a new interpreter, so that a rolling
restart runs newly installed code. It imports everything and waits, warm, for Begin. It shuts down in order on
the parent's request, on SIGTERM, and when the parent is gone.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import resource
import secrets
import signal
import socket
import sys
from collections.abc import Callable, Coroutine
from dataclasses import asdict
from pathlib import Path
from typing import TypeAlias

from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.dispatch.sender.spool.callbacks import SessionCallbacks
from nescord_core.errors import NescordError
from nescord_core.gateway.cluster import Cluster
from nescord_core.gateway.envelopes import EventSink
from nescord_core.gateway.session_store import SessionStore, open_sessions
from nescord_core.gateway.stats import ShardStats
from nescord_core.gateway.suspects import CrashMarks
from nescord_core.process import descriptors, log_levels, logs
from nescord_core.process.parent_channel import CHANNEL_FD, Channel, follow_parent, receive, send
from nescord_core.services import service_process
from nescord_core.services.control.shared_lock import shared_lock
from nescord_core.services.ws.gateway_address import GatewayAddress
from nescord_core.services.ws.identify_requests import RemoteIdentifyGate
from nescord_core.services.ws.invalidations import InvalidationLink
from nescord_core.services.ws.malformed_events import SetAsideEvents
from nescord_core.services.ws.messages import (
    AskNumbers,
    Begin,
    Condition,
    Failed,
    FromCluster,
    FromParent,
    Granted,
    Numbers,
    Refused,
    StopNow,
    Warm,
    from_parent,
)
from nescord_core.services.ws.plan import claim_name
from nescord_core.services.ws.resumption import SpooledSessions
from nescord_core.services.ws.sandbox_world import SessionsOfWorld
from nescord_core.services.ws.snapshots import ShardSnapshots, SnapshotSessions
from nescord_core.tracing.export import exporting

__all__ = ["ClusterProcess", "run"]

log = logging.getLogger("nescord.ws")

Parent: TypeAlias = Channel[FromParent, FromCluster]

ORPHANED_DRAIN = 1.0
"""Seconds to drain when the parent was killed: the next ws waits for this process to exit."""
ORPHANED_GRACE = 5.0
FAST, SLOW = 0.05, 0.25
REPORT_INTERVAL = 5.0
"""Seconds after which an unchanged condition is sent again, to show that the event loop runs."""
GC_THRESHOLDS = (25_000, 20, 20)
"""Arguments of `gc.set_threshold`: allocations before the youngest generation is collected, and so on."""


def run(channel_fd: int) -> int:
    """Run a cluster on this channel; return the process's exit code."""
    end = socket.socket(fileno=channel_fd)
    end.set_inheritable(False)
    for number in (signal.SIGINT, signal.SIGHUP):  # the parent receives them as well, and decides
        signal.signal(number, signal.SIG_IGN)
    send(end, Warm())
    begin = receive(end, from_parent)
    if not isinstance(begin, Begin):
        return 0
    settings = begin.settings
    follow_parent(end, ORPHANED_GRACE)
    descriptors.hold_reserve()
    logs.configure("ws", secrets=(settings.token, settings.security.secret), debug=begin.debug)
    # Held until the process exits: a ws started after a kill waits until no process uses the sessions.
    with shared_lock(settings.state_dir, claim_name(settings)):
        _relax_collector()
        with exporting("ws"):
            return asyncio.run(_serve(begin, end))


def _relax_collector() -> None:
    """Run the cyclic garbage collector rarely, and never over imported modules.

    Events form no cycles, but tens of thousands may be held at a time: with Python's defaults, scanning them
    takes a sixth of a busy cluster's time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLDS)


async def _serve(begin: Begin, end: socket.socket) -> int:
    channel: Parent = await Channel.over(end, from_parent)
    cluster = ClusterProcess(begin, channel)
    try:
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(cluster.handle_messages()),
                tasks.create_task(cluster.report_condition()),
                tasks.create_task(log_levels.follow("ws", lambda: begin.settings.state_dir)),
            ]
            try:
                with service_process.one_error():
                    await cluster.run()
            except NescordError as error:
                channel.send(Failed.of(error))
                return error.exit_code
            finally:
                for task in background:
                    task.cancel()
    finally:
        await channel.close()
    return 0


class ClusterProcess:
    """Connects a cluster of shards to the sender of their events."""

    def __init__(self, begin: Begin, channel: Parent) -> None:
        self._begin = begin
        self._channel = channel
        self._stop = asyncio.Event()
        self._is_orphan = False
        self._gate = RemoteIdentifyGate(channel.send)
        self._cluster: Cluster | None = None
        self._sender: Sender | None = None
        self._world: ShardSnapshots | None = None
        self._set_aside = SetAsideEvents(begin.settings.state_dir)
        self._address = GatewayAddress(begin.settings, self._use_gateway)
        self._link = InvalidationLink(
            begin.settings, shard_count=begin.shard_count, connected=self._connected
        )

    async def run(self) -> None:
        """Run until told to stop or a fatal error."""
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, self._stop.set)
        settings = self._begin.settings
        async with open_sessions(settings.state_dir, settings.token) as sessions:
            cluster, sender = self._join(sessions)
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(sender.run()),
                    tasks.create_task(self._link.run()),
                    tasks.create_task(self._address.run()),
                    tasks.create_task(_then(self._stop, cluster.request_stop)),
                ]
                try:
                    await _first(sender.recovered(), self._stop)
                    await cluster.run()
                    # No more events arrive; Discord need not resend those that main finishes now.
                    if sender.attached:
                        await sender.drain(ORPHANED_DRAIN if self._is_orphan else settings.stop_timeout)
                    await cluster.flush()
                finally:
                    self._set_aside.close()
                    for task in background:
                        task.cancel()

    async def handle_messages(self) -> None:
        """Handle the parent's messages; stop when it is gone."""
        while (message := await self._channel.receive()) is not None:
            match message:
                case Granted() | Refused():
                    self._gate.answered(message)
                case StopNow():
                    self._stop.set()
                case AskNumbers():
                    self._channel.send(self._numbers())
        self._is_orphan = True
        self._stop.set()

    async def report_condition(self) -> None:
        """Send the condition to the parent when it changes, and every `REPORT_INTERVAL` seconds."""
        loop = asyncio.get_running_loop()
        sent, sent_at = None, float("-inf")
        while True:
            condition = self._condition()
            if condition != sent or loop.time() - sent_at >= REPORT_INTERVAL:
                self._channel.send(condition)
                sent, sent_at = condition, loop.time()
            await asyncio.sleep(FAST if condition.unready else SLOW)

    def _join(self, sessions: SessionStore) -> tuple[Cluster, Sender]:
        begin = self._begin
        self._world = world = ShardSnapshots(
            begin.settings,
            shard_ids=begin.shard_ids,
            shard_count=begin.shard_count,
            stats=lambda: self._cluster.stats() if self._cluster else [],
        )
        self._sender = Sender(
            begin.settings,
            hello=HelloFacts(secrets.token_hex(8), begin.shard_ids, begin.shard_count),
            acknowledged=self._acknowledged,
            command=self._command,
            world=world,
            callbacks=SessionCallbacks(self._secured, self._replayable, self._set_aside.undeliverable),
        )
        world.session_known = self._sender.partition.wake
        world.requested = self._renew_sessions
        world.not_applied = self._set_aside.not_applied
        self._cluster = Cluster(
            begin.settings,
            shard_ids=begin.shard_ids,
            shard_count=begin.shard_count,
            sink=EventSink(
                self._link.watching(world.watching(self._sender.put)),
                set_aside=self._set_aside.undeliverable,
                suspects=self._marks(),
            ),
            sessions=SpooledSessions(
                SnapshotSessions(SessionsOfWorld(sessions, begin.settings), world), self._sender.resume
            ),
            identify=self._gate,
            gateway_url=begin.gateway_url,
        )
        self._cluster.on_unreachable = self._address.ask
        return self._cluster, self._sender

    def _marks(self) -> CrashMarks | None:
        begin = self._begin
        if not begin.is_suspect:
            return None
        try:
            return CrashMarks(begin.settings.state_dir / "suspects", f"cluster-{begin.cluster}")
        except OSError as error:
            log.error("cannot mark events, to find the one that ends this cluster: %s", error)
            return None

    def _renew_sessions(self) -> None:
        """Start new sessions for guilds that the running ones brought while nobody kept them."""
        if self._cluster is not None:
            self._cluster.renew(
                "main needs the guilds, which Discord sends once a session, and ws did not keep them"
            )

    def _use_gateway(self, url: str) -> None:
        if self._cluster is not None:
            self._cluster.use_gateway(url)

    def _connected(self) -> list[int]:
        return [s.shard_id for s in self._cluster.stats() if s.connected] if self._cluster else []

    def _acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        if self._cluster is not None:
            self._cluster.acknowledged(shard_id, session_id, seq)
        if self._world is not None:
            self._world.acknowledged(shard_id, session_id, seq)

    def _secured(self, shard_id: int, session_id: str, seq: int) -> None:
        if self._cluster is not None:
            self._cluster.secured(shard_id, session_id, seq)

    def _replayable(self, shard_id: int, session_id: str) -> int:
        cluster = self._cluster
        return cluster.replayable(shard_id, session_id) if cluster else self._begin.settings.replay_events

    async def _command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        if self._cluster is not None:
            await self._cluster.command(shard_id, op, data, deadline)

    def _condition(self) -> Condition:
        if self._cluster is None or self._sender is None or not (shards := self._cluster.stats()):
            return Condition(unready=(f"cluster {self._begin.cluster} is starting",))
        settings = self._begin.settings
        unready = [f"shard {s.shard_id} is {s.state}" for s in shards if not s.connected]
        if not self._sender.attached:
            unready.append(f"main is not attached at {', '.join(settings.grpc_hosts)}")
        connected = [s for s in shards if s.connected]
        resumed = sum(s.resumed for s in connected)
        return Condition(
            unready=tuple(unready),
            unwell=tuple(
                _unwell(s, settings.recovery_timeout)
                for s in shards
                if _is_unwell(s, settings.recovery_timeout)
            ),
            connected=len(connected),
            resumed=resumed,
            identified=len(connected) - resumed,
        )

    def _numbers(self) -> Numbers:
        cluster, sender = self._cluster, self._sender
        return Numbers(
            shards=tuple(cluster.stats()) if cluster else (),
            outbox=asdict(sender.stats()) if sender else {},
            process=_process() | (self._world.numbers() if self._world else {}),
        )


def _is_unwell(shard: ShardStats, bound: float) -> bool:
    """Whether a shard is down for too long. Waiting for a permit to IDENTIFY is normal, however long."""
    return shard.down_for is not None and shard.down_for > bound and shard.state != "awaiting_permit"


def _unwell(shard: ShardStats, bound: float) -> str:
    why = shard.trouble or f"it is {shard.state}"
    return f"shard {shard.shard_id} has not been connected for more than {bound:g} s: {why}"


def _process() -> dict[str, float]:
    """Return the CPU time in seconds and the resident memory in MB of this process.

    On Linux memory is read by hand, so that a cluster need not import psutil for one number.
    """
    times = os.times()
    try:
        pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
        resident = pages * resource.getpagesize()
    except (OSError, ValueError):
        import psutil

        resident = psutil.Process().memory_info().rss
    return {"cpu_s": round(times.user + times.system, 3), "rss_mb": round(resident / 2**20, 1)}


async def _first(work: Coroutine[None, None, None], event: asyncio.Event) -> None:
    """Wait until either the work is done or the event is set; cancel the other."""
    async with asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(work), tasks.create_task(_then(event, lambda: None))]
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for task in waiting:
            task.cancel()


async def _then(event: asyncio.Event, act: Callable[[], None]) -> None:
    await event.wait()
    act()


if __name__ == "__main__":
    sys.exit(run(int(os.environ.pop(CHANNEL_FD))))
