"""Starts workers by forking a warm parent (forkserver.py), or in a fresh interpreter while there is none.

What to import ahead is learned from the workers themselves: everything they had imported that does not
belong to the project. Linux only (pidfds, SEQPACKET).
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from nescord_core.reload.swapping.forkserver import FORK_FD, receive, report, within_packet
from nescord_core.reload.swapping.preload_list import PreloadList, packages_stamp, recall, remember
from nescord_core.reload.swapping.spawn import Spawner, WorkerProcess

__all__ = ["ForkWorkers", "Program", "is_available"]

log = logging.getLogger("nescord.reload")
REPORT_WAIT = 1.0
"""Seconds between the end of a process and the report of its exit code after which no report is awaited."""


def is_available() -> bool:
    """Say whether this system can fork workers this way."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


UNKNOWN_EXIT = 255


@dataclass(frozen=True, slots=True)
class Program:
    """What a forked child becomes: ``target`` ("module:function") with its channel's descriptor.

    ``prepare`` is called with ``arguments`` in a child that is forked ahead, while it waits for its channel.
    """

    target: str
    prepare: str
    arguments: tuple[str, ...] = ()


class ForkedProcess:
    """A child of the warm parent, held by a pidfd so that its number can never mean another process."""

    def __init__(self, pid: int, pidfd: int, forget: Callable[[int], None]) -> None:
        self._pid = pid
        self._pidfd = pidfd
        self._forget = forget
        self._ended = asyncio.Event()
        self._is_orphan = False
        self._code = UNKNOWN_EXIT
        asyncio.get_running_loop().add_reader(pidfd, self._readable)

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._pid

    def signal(self, number: int) -> None:
        """Send it a signal."""
        if self._pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    async def wait(self) -> int:
        """Wait for its end."""
        await self._ended.wait()
        return self._code

    def reaped(self, code: int) -> None:
        """Take the exit code that the warm parent read."""
        self._code = code
        self._end()

    def orphaned(self) -> None:
        """The warm parent is gone: from here on only the pidfd tells of the end, without an exit code."""
        self._is_orphan = True
        if self._is_dead():
            self._end()

    def _readable(self) -> None:
        """It has ended. The exit code follows in the warm parent's report; without one, wait no longer."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        loop.call_later(0.0 if self._is_orphan else REPORT_WAIT, self._end)

    def _is_dead(self) -> bool:
        try:
            signal.pidfd_send_signal(self._pidfd, 0)
        except ProcessLookupError:
            return True
        return False

    def _end(self) -> None:
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
            self._ended.set()
            self._forget(self._pid)


class WarmParent:
    """One forkserver process. It ends when `close` is called; its children go on."""

    def __init__(self, process: asyncio.subprocess.Process, end: socket.socket) -> None:
        self._process = process
        self._end = end
        self._children: dict[int, ForkedProcess] = {}
        self._asked: dict[int, asyncio.Future[ForkedProcess]] = {}
        self._warm: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._numbers = 0
        self.gone = False

    @property
    def is_childless(self) -> bool:
        """Say whether all that it forked have ended."""
        return not self._children

    @classmethod
    async def start(cls) -> WarmParent:
        """Start the process; it does nothing before `warm_up`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "nescord_core.reload.swapping.forkserver",
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, FORK_FD: str(theirs.fileno()), "PYTHONUNBUFFERED": "1"},
            )
        ours.setblocking(False)
        parent = cls(process, ours)
        asyncio.get_running_loop().add_reader(ours, parent._readable)
        return parent

    async def warm_up(self, program: Program, names: list[str]) -> dict[str, Any]:
        """Have it import; return its report, ``{}`` when it ended instead."""
        report(self._end, {**asdict(program), "preload": names})
        return await self._warm

    def keep_one_ahead(self, wanted: bool) -> None:
        """Have a child forked ahead for the next `fork`, or ended again."""
        if not self.gone:
            with suppress(OSError):  # it is ending
                report(self._end, {"ahead": wanted})

    async def fork(self, channel: socket.socket) -> ForkedProcess:
        """Fork a worker on the channel's end. Raises ConnectionError when the process is gone."""
        self._numbers += 1
        asked: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        self._asked[self._numbers] = asked
        try:
            report(self._end, {"fork": self._numbers}, [channel.fileno()])
            return await asked
        except OSError as error:
            raise ConnectionError("the warm parent process is gone") from error

    async def close(self) -> None:
        """Let it end; it does so when its socket closes, or is killed when it hangs in an import."""
        if not self.gone:
            self._lost()
        try:
            await asyncio.wait_for(self._process.wait(), 2.0)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()

    def _readable(self) -> None:
        try:
            message, descriptors = receive(self._end)
        except BlockingIOError:
            return
        except OSError:
            message, descriptors = None, []
        match message:
            case None:
                self._lost()
            case {"warm": _} | {"threads": _}:
                if not self._warm.done():
                    self._warm.set_result(message)
            case {"forked": number, "pid": pid}:
                self._forked(number, pid, descriptors[0])
            case {"exited": pid, "code": code}:
                if child := self._children.pop(pid, None):
                    child.reaped(code)

    def _forked(self, number: int, pid: int, pidfd: int) -> None:
        child = ForkedProcess(pid, pidfd, self._forget)
        self._children[pid] = child
        asked = self._asked.pop(number)
        if asked.done():
            child.signal(signal.SIGKILL)  # whoever asked has gone away
        else:
            asked.set_result(child)

    def _forget(self, pid: int) -> None:
        self._children.pop(pid, None)

    def _lost(self) -> None:
        self.gone = True
        asyncio.get_running_loop().remove_reader(self._end)
        self._end.close()
        if not self._warm.done():
            self._warm.set_result({})
        for asked in self._asked.values():
            if not asked.done():
                asked.set_exception(ConnectionError("the warm parent process is gone"))
        self._asked.clear()
        for child in list(self._children.values()):
            child.orphaned()


class ForkWorkers:
    """Forks workers while there is a warm parent, spawns them while there is none.

    One is forked ahead once a worker has named what it imported.

    What a worker had imported the warm parent then imports, too, and ``state_dir`` keeps it for the next run,
    whose first worker is forked already. The very first worker of a project is spawned.
    """

    def __init__(self, program: Program, fallback: Spawner, state_dir: Path | None = None) -> None:
        self._program = program
        self._fallback = fallback
        self._warm: WarmParent | None = None
        self._retired: list[WarmParent] = []
        self._stamp: tuple[int, ...] = ()
        self._known: set[str] = set()
        self._left_out: set[str] = set()
        self._warming = asyncio.Lock()
        self._state_dir = state_dir
        self._is_first = state_dir is not None

    @property
    def is_warm(self) -> bool:
        """Say whether the next worker will be forked."""
        return self._warm is not None and not self._warm.gone and self._stamp == packages_stamp()

    async def start(self, end: socket.socket) -> WorkerProcess:
        """Fork, or spawn while nothing is warm or the installed packages have changed since."""
        await self._start_warm()
        if not self.is_warm or self._warm is None:
            return await self._fallback.start(end)
        try:
            return await self._warm.fork(end)
        except ConnectionError:
            log.warning("the warm parent process ended; this worker starts in a fresh interpreter")
            return await self._fallback.start(end)

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Warm up with these when nothing is warm, or when something is missing there."""
        async with self._warming:
            await self._close_retired()
            if not self.is_warm or not set(modules) <= self._known | self._left_out:
                try:
                    await self._warm_up([name for name in modules if name not in self._left_out])
                except OSError as error:
                    log.warning("no warm parent process (%s); workers start in fresh interpreters", error)
                    return
                self._remember(modules)
            if self._warm is not None:
                self._warm.keep_one_ahead(True)

    async def _start_warm(self) -> None:
        """Before the first worker: import what the last run's had."""
        async with self._warming:
            known = recall(self._state_dir) if self._is_first and self._state_dir else PreloadList()
            self._is_first = False
            self._left_out |= known.left_out
            if not known.modules:
                return
            try:
                await self._warm_up(list(known.modules))
            except OSError:
                return  # the worker starts in a fresh interpreter, and what it learns is tried again

    def _remember(self, modules: tuple[str, ...]) -> None:
        if self._state_dir is None:
            return
        try:
            remember(self._state_dir, (n for n in modules if n not in self._left_out), self._left_out)
        except OSError as error:
            log.debug("what to import ahead cannot be kept: %s", error)

    async def close(self) -> None:
        """End the warm parent; workers that still run go on."""
        self._retire()
        for parent in self._retired:
            await parent.close()
        self._retired.clear()

    def _retire(self) -> None:
        if self._warm is not None:
            self._warm.keep_one_ahead(False)
            self._retired.append(self._warm)
            self._warm = None

    async def _close_retired(self) -> None:
        """A warm parent that was replaced stays to tell the exit codes of its children."""
        for parent in [parent for parent in self._retired if parent.is_childless]:
            self._retired.remove(parent)
            await parent.close()

    async def _warm_up(self, names: list[str]) -> None:
        """Import in a new process; leave out what starts threads, one module an attempt."""
        stamp = packages_stamp()
        while names:
            parent = await WarmParent.start()
            try:
                answer = await parent.warm_up(self._program, within_packet(names))
            except BaseException:
                await parent.close()
                raise
            if "warm" in answer:
                self._retire()
                self._warm, self._stamp, self._known = parent, stamp, {*names, *answer["warm"]}
                return
            await parent.close()
            culprit = answer.get("threads", "")
            if not culprit:
                log.warning("importing ahead failed; workers start in fresh interpreters")
                return
            log.info("%s starts a thread when imported, so each worker imports it by itself", culprit)
            self._left_out.add(culprit)
            names = [name for name in names if name != culprit and not name.startswith(f"{culprit}.")]
