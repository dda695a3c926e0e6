"""Starts workers by forking a warm parent (forkserver.py), or in a new interpreter while there is none.

The workers themselves report what to preload: every module they had imported that does not belong to the
project. Linux only (pidfds, SEQPACKET).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from nescord_core.reload.swapping.forkserver import FORK_FD, receive, report, within_packet
from nescord_core.reload.swapping.preload_list import (
    PreloadList,
    load_preload_list,
    packages_stamp,
    save_preload_list,
)
from nescord_core.reload.swapping.spawn import Spawner, WorkerProcess

__all__ = ["ForkWorkers", "Program", "is_available"]

log = logging.getLogger("nescord.reload")
REPORT_WAIT = 1.0
"""Seconds to wait, after a process exited, for the warm parent's report of its exit code."""


def is_available() -> bool:
    """Return whether this system can fork workers this way."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


UNKNOWN_EXIT = 255


@dataclass(frozen=True, slots=True)
class Program:
    """What a forked child runs: ``target`` ("module:function"), called with its channel's descriptor.

    ``prepare`` is called with ``arguments`` in a child that is forked in advance, before it has a channel.
    """

    target: str
    prepare: str
    arguments: tuple[str, ...] = ()


class ForkedProcess:
    """A child of the warm parent, referred to by a pidfd because its process id may be reused."""

    def __init__(self, pid: int, pidfd: int, forget: Callable[[int], None]) -> None:
        self._pid = pid
        self._pidfd = pidfd
        self._forget = forget
        self._exited = asyncio.Event()
        self._is_orphan = False
        self._code = UNKNOWN_EXIT
        asyncio.get_running_loop().add_reader(pidfd, self._readable)

    @property
    def pid(self) -> int:
        """The process id."""
        return self._pid

    def signal(self, number: int) -> None:
        """Send a signal; does nothing if the process is gone."""
        if self._pidfd < 0:
            return
        try:
            signal.pidfd_send_signal(self._pidfd, number)
        except ProcessLookupError:
            return

    async def wait(self) -> int:
        """Wait until it exits; return the exit code, `UNKNOWN_EXIT` if nobody reported it."""
        await self._exited.wait()
        return self._code

    def reaped(self, code: int) -> None:
        """Record the exit code that the warm parent reported."""
        self._code = code
        self._finish()

    def orphaned(self) -> None:
        """Record that the warm parent is gone: from now on only the pidfd shows the exit, without a code."""
        self._is_orphan = True
        if self._is_dead():
            self._finish()

    def _readable(self) -> None:
        """Handle the process's exit: wait for the warm parent's report of the exit code, if it can come."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(self._pidfd)
        loop.call_later(0.0 if self._is_orphan else REPORT_WAIT, self._finish)

    def _is_dead(self) -> bool:
        try:
            signal.pidfd_send_signal(self._pidfd, 0)
        except ProcessLookupError:
            return True
        return False

    def _finish(self) -> None:
        if self._pidfd >= 0:
            asyncio.get_running_loop().remove_reader(self._pidfd)
            os.close(self._pidfd)
            self._pidfd = -1
            self._exited.set()
            self._forget(self._pid)


class WarmParent:
    """One fork server process. It exits when `close` is called; its children continue."""

    def __init__(self, process: asyncio.subprocess.Process, end: socket.socket) -> None:
        self._process = process
        self._end = end
        self._children: dict[int, ForkedProcess] = {}
        self._requests: dict[int, asyncio.Future[ForkedProcess]] = {}
        self._warm: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._last_request = 0
        self.gone = False

    @property
    def is_childless(self) -> bool:
        """Whether every process that it forked has exited."""
        return not self._children

    @classmethod
    async def start(cls) -> WarmParent:
        """Start the process; it is idle until `warm_up`."""
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
        """Have it import modules; return its report, ``{}`` if it exited instead."""
        report(self._end, {**asdict(program), "preload": names})
        return await self._warm

    def keep_one_ahead(self, wanted: bool) -> None:
        """Have one child forked in advance for the next `fork`, or drop that child."""
        if not self.gone:
            with suppress(OSError):  # it is exiting
                report(self._end, {"ahead": wanted})

    async def fork(self, channel: socket.socket) -> ForkedProcess:
        """Fork a worker on the channel's end. Raises ConnectionError when this process is gone."""
        self._last_request += 1
        child: asyncio.Future[ForkedProcess] = asyncio.get_running_loop().create_future()
        self._requests[self._last_request] = child
        try:
            report(self._end, {"fork": self._last_request}, [channel.fileno()])
            return await child
        except OSError as error:
            raise ConnectionError("the warm parent process is gone") from error

    async def close(self) -> None:
        """Close its socket, which makes it exit; kill it if it hangs in an import."""
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
                self._forked(number, pid, descriptors)
            case {"exited": pid, "code": code}:
                if child := self._children.pop(pid, None):
                    child.reaped(code)

    def _forked(self, number: int, pid: int, pidfds: list[int]) -> None:
        request = self._requests.pop(number)
        if not pidfds:  # no descriptor was free to receive it; the child exits when its channel closes
            if not request.done():
                request.set_exception(OSError(errno.EMFILE, os.strerror(errno.EMFILE)))
            return
        child = ForkedProcess(pid, pidfds[0], self._forget)
        self._children[pid] = child
        if request.done():
            child.signal(signal.SIGKILL)  # the caller was cancelled
        else:
            request.set_result(child)

    def _forget(self, pid: int) -> None:
        self._children.pop(pid, None)

    def _lost(self) -> None:
        self.gone = True
        asyncio.get_running_loop().remove_reader(self._end)
        self._end.close()
        if not self._warm.done():
            self._warm.set_result({})
        for request in self._requests.values():
            if not request.done():
                request.set_exception(ConnectionError("the warm parent process is gone"))
        self._requests.clear()
        for child in list(self._children.values()):
            child.orphaned()


class ForkWorkers:
    """Spawner that forks workers from a warm parent, and spawns them while there is none.

    The warm parent imports what a worker reports to have imported. ``state_dir`` stores that list, so that
    even the first worker of the next run is forked; only the very first worker of a project is spawned.
    After each report, one child is forked in advance.
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
        """Whether the next worker will be forked."""
        return self._warm is not None and not self._warm.gone and self._stamp == packages_stamp()

    async def start(self, end: socket.socket) -> WorkerProcess:
        """Fork a worker; spawn it if there is no warm parent or the installed packages have changed."""
        await self._warm_up_from_last_run()
        if not self.is_warm or self._warm is None:
            return await self._fallback.start(end)
        try:
            return await self._warm.fork(end)
        except ConnectionError:
            log.warning("the warm parent process exited; this worker starts in a new interpreter")
            return await self._fallback.start(end)

    def moved(self, arguments: tuple[str, ...]) -> None:
        """Drop the warm parent, whose waiting child has been prepared in the old directory."""
        self._program = replace(self._program, arguments=arguments)
        self._retire()

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Warm up with these modules if there is no warm parent, or if it lacks one of them."""
        async with self._warming:
            await self._close_retired()
            if not self.is_warm or not set(modules) <= self._known | self._left_out:
                try:
                    await self._warm_up([name for name in modules if name not in self._left_out])
                except OSError as error:
                    log.warning("cannot start a warm parent (%s); workers start in new interpreters", error)
                    return
                self._save(modules)
            if self._warm is not None:
                self._warm.keep_one_ahead(True)

    async def _warm_up_from_last_run(self) -> None:
        """Before the first worker, import the modules of the last run's workers."""
        async with self._warming:
            is_first, self._is_first = self._is_first, False
            saved = load_preload_list(self._state_dir) if is_first and self._state_dir else PreloadList()
            self._left_out |= saved.left_out
            if not saved.modules:
                return
            try:
                await self._warm_up(list(saved.modules))
            except OSError:
                return  # the worker starts in a new interpreter, and `learn` tries again

    def _save(self, modules: tuple[str, ...]) -> None:
        if self._state_dir is None:
            return
        try:
            wanted = (name for name in modules if name not in self._left_out)
            save_preload_list(self._state_dir, wanted, self._left_out)
        except OSError as error:
            log.debug("cannot save the list of modules to preload: %s", error)

    async def close(self) -> None:
        """Stop the warm parent; running workers continue."""
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
        """Close replaced warm parents that have no children left to report exit codes of."""
        for parent in [parent for parent in self._retired if parent.is_childless]:
            self._retired.remove(parent)
            await parent.close()

    async def _warm_up(self, names: list[str]) -> None:
        """Start a warm parent with these modules, leaving out those that start threads, one per attempt."""
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
                log.warning("preloading modules failed; workers start in new interpreters")
                return
            log.info("%s starts a thread on import; it is not preloaded, each worker imports it", culprit)
            self._left_out.add(culprit)
            names = [name for name in names if name != culprit and not name.startswith(f"{culprit}.")]
