"""The parent's handle of one cluster process: starts it, exchanges messages with it, stops it."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress

from nescord_core.config.keys import KEYS
from nescord_core.errors import NescordError
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.process.descriptors import is_shortage
from nescord_core.process.parent_channel import Channel, pair, spawn
from nescord_core.services.ws.identify_requests import IdentifyRequests
from nescord_core.services.ws.messages import (
    AskIdentify,
    AskNumbers,
    Begin,
    CancelIdentify,
    Condition,
    Failed,
    FromCluster,
    FromParent,
    Identified,
    Numbers,
    StopNow,
    Warm,
    failure_of,
    from_cluster,
)

__all__ = ["ClusterHandle"]

log = logging.getLogger("nescord.ws")

MODULE = "nescord_core.services.ws.cluster_process"
SECRETS = frozenset(key.env for key in KEYS if key.secret)
CANNOT_START = 127
FINAL_READ = 0.5
"""Seconds allowed for reading the channel of an exited process to its end."""
SILENCE_LIMIT = 20.0
"""Seconds without a message after which a process counts as hung; it sends one every 5 s."""


class ClusterHandle:
    """One cluster process. It starts warm, without shards; `run` returns when it has exited.

    ``changed`` is called when its condition changes.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._channel: Channel[FromCluster, FromParent] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._identify_requests: IdentifyRequests | None = None
        self._heard_at = 0.0
        self._is_stopping = False
        self._answered = asyncio.Event()
        self.started_at = 0.0
        self.warm = asyncio.Event()
        self.ended = asyncio.Event()
        self.exit_code = 0
        self.is_shortage = False
        """Whether the start failed because the system was short of descriptors, memory or processes."""
        self.failure: NescordError | None = None
        self.condition: Condition | None = None
        self.numbers: Numbers | None = None

    @property
    def pid(self) -> int:
        """The process id; 0 before the process has started."""
        return self._process.pid if self._process else 0

    @property
    def is_ready(self) -> bool:
        """Whether its shards are connected and main is attached."""
        return self.condition is not None and not self.condition.unready and not self.ended.is_set()

    @property
    def silence(self) -> float:
        """Seconds since its last message if they exceed the limit, else 0."""
        quiet = asyncio.get_running_loop().time() - self._heard_at
        return quiet if self.condition is not None and quiet > SILENCE_LIMIT else 0.0

    async def run(self) -> None:
        """Start the process and wait until it has exited; cancelling this kills it."""
        ours = None
        try:
            ours, theirs = pair()
            with theirs:
                self._process = await spawn(MODULE, theirs, without=SECRETS)
            if self._is_stopping:
                self.kill()  # the stop was requested before there was a process to kill
            await self._attend(self._process, await Channel.over(ours, from_cluster))
        except OSError as error:
            if ours is not None:
                ours.close()
            log.error("cannot start a cluster process: %s", error)
            self.exit_code = CANNOT_START
            self.is_shortage = is_shortage(error)
        finally:
            self.kill()
            if self._process is not None:
                await self._process.wait()
            self.warm.set()
            self.ended.set()
            self._changed()

    def begin(self, message: Begin, gate: LocalIdentifyGate, others_connected: Callable[[], bool]) -> None:
        """Assign its shards."""
        if self._channel is None or self._tasks is None:
            return  # the process could not be started
        self.started_at = asyncio.get_running_loop().time()
        self._identify_requests = IdentifyRequests(gate, self._channel.send, others_connected, self._tasks)
        self._channel.send(message)

    def stop(self, grace: float) -> None:
        """Tell it to drain and exit; kill it after ``grace`` seconds."""
        if self._is_stopping or self.ended.is_set():
            return
        self._is_stopping = True
        if self._channel is None or not self.started_at:
            self.kill()  # it has no shards yet, so there is nothing to drain
            return
        self._channel.send(StopNow())
        asyncio.get_running_loop().call_later(grace, self.kill)

    def kill(self) -> None:
        """Kill the process if it still runs."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    def ask_numbers(self) -> None:
        """Request its statistics; `until_answered` waits for them."""
        self._answered.clear()
        if self._channel is not None and self.started_at:
            self._channel.send(AskNumbers())

    async def until_answered(self) -> None:
        """Wait until the requested statistics have arrived or the process has exited."""
        if self.started_at and not self.ended.is_set():
            await self._answered.wait()

    async def _attend(
        self, process: asyncio.subprocess.Process, channel: Channel[FromCluster, FromParent]
    ) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                self._channel, self._tasks = channel, tasks
                reader = tasks.create_task(self._listen(channel))
                self.exit_code = await process.wait()
                await asyncio.wait({reader}, timeout=FINAL_READ)
                reader.cancel()
                if self._identify_requests is not None:
                    self._identify_requests.cancel_all()
        finally:
            self._answered.set()
            await channel.close()

    async def _listen(self, channel: Channel[FromCluster, FromParent]) -> None:
        loop = asyncio.get_running_loop()
        while (message := await channel.receive()) is not None:
            self._heard_at = loop.time()
            match message:
                case Warm():
                    self.warm.set()
                case AskIdentify() | CancelIdentify() | Identified():
                    if self._identify_requests is not None:
                        self._identify_requests.handle(message)
                case Condition():
                    self.condition = message
                    self._changed()
                case Numbers():
                    self.numbers = message
                    self._answered.set()
                case Failed():
                    self.failure = failure_of(message)
