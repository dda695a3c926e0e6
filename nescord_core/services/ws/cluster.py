"""One cluster as its parent sees it: the process that holds the shards, and its part of the conversation."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Callable
from contextlib import suppress

from nescord_core.config.keys import KEYS
from nescord_core.errors import NescordError
from nescord_core.gateway.identify.gate import LocalIdentifyGate
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
LAST_WORDS = 0.5
"""Seconds in which the channel of a process that has ended is read to its end."""
SILENCE = 20.0
"""Seconds without a word after which a process is taken to hang; it says something every 5 s."""


class ClusterHandle:
    """A cluster's process, from its start (warm, without work) to its end. `run` returns at the end.

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
        self.began = 0.0
        self.warm = asyncio.Event()
        self.ended = asyncio.Event()
        self.exit_code = 0
        self.failure: NescordError | None = None
        self.condition: Condition | None = None
        self.numbers: Numbers | None = None

    @property
    def pid(self) -> int:
        """Its process id, 0 before it has one."""
        return self._process.pid if self._process else 0

    @property
    def is_ready(self) -> bool:
        """Say whether its shards are connected and main is attached."""
        return self.condition is not None and not self.condition.unready and not self.ended.is_set()

    @property
    def silence(self) -> float:
        """Seconds since it last said something, once that is too long; else 0."""
        quiet = asyncio.get_running_loop().time() - self._heard_at
        return quiet if self.condition is not None and quiet > SILENCE else 0.0

    async def run(self) -> None:
        """Be with the process until it has ended; when this is cancelled, it is killed."""
        ours, theirs = pair()
        try:
            with theirs:
                self._process = await spawn(MODULE, theirs, without=SECRETS)
            if self._is_stopping:
                self.kill()  # asked to stop while it was being started, before there was anything to kill
            await self._accompany(self._process, await Channel.over(ours, from_cluster))
        except OSError as error:
            ours.close()
            log.error("no process could be started: %s", error)
            self.exit_code = CANNOT_START
        finally:
            self.kill()
            if self._process is not None:
                await self._process.wait()
            self.warm.set()
            self.ended.set()
            self._changed()

    def begin(self, order: Begin, gate: LocalIdentifyGate, others_connected: Callable[[], bool]) -> None:
        """Give it its shards."""
        if self._channel is None or self._tasks is None:
            return  # it could not be started, and has ended
        self.began = asyncio.get_running_loop().time()
        self._identify_requests = IdentifyRequests(gate, self._channel.send, others_connected, self._tasks)
        self._channel.send(order)

    def stop(self, grace: float) -> None:
        """Ask it to drain and leave; kill it when it has not after ``grace`` seconds."""
        if self._is_stopping or self.ended.is_set():
            return
        self._is_stopping = True
        if self._channel is None or not self.began:
            self.kill()  # it waits for work and has none to finish
            return
        self._channel.send(StopNow())
        asyncio.get_running_loop().call_later(grace, self.kill)

    def kill(self) -> None:
        """End it at once, if it has not ended."""
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGKILL)

    def ask_numbers(self) -> None:
        """Ask for its numbers; `until_answered` waits for them."""
        self._answered.clear()
        if self._channel is not None and self.began:
            self._channel.send(AskNumbers())

    async def until_answered(self) -> None:
        """Return when the numbers asked for are there, or never will be."""
        if self.began and not self.ended.is_set():
            await self._answered.wait()

    async def _accompany(
        self, process: asyncio.subprocess.Process, channel: Channel[FromCluster, FromParent]
    ) -> None:
        try:
            async with asyncio.TaskGroup() as tasks:
                self._channel, self._tasks = channel, tasks
                reading = tasks.create_task(self._listen(channel))
                self.exit_code = await process.wait()
                await asyncio.wait({reading}, timeout=LAST_WORDS)
                reading.cancel()
                if self._identify_requests is not None:
                    self._identify_requests.leave()
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
                        self._identify_requests.heard(message)
                case Condition():
                    self.condition = message
                    self._changed()
                case Numbers():
                    self.numbers = message
                    self._answered.set()
                case Failed():
                    self.failure = failure_of(message)
