"""The parent's side of the fork server (forkserver.py): starts one, has it import modules and fork workers.

Linux only (pidfds, SEQPACKET).
"""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from nescord_core.process.own_children import OWN_CHILDREN
from nescord_core.reload.swapping.failure import UNKNOWN_EXIT
from nescord_core.reload.swapping.forkserver import FORK_FD, receive, report

__all__ = ["ForkedProcess", "Preload", "Program", "WarmParent"]

REPORT_WAIT = 1.0
"""Seconds to wait, after a process exited, for the warm parent's report of its exit code."""
IMPORT_LIMIT = 120.0
"""Seconds that a warm parent has for its imports."""


@dataclass(frozen=True, slots=True)
class Program:
    """What a forked child runs: ``target`` ("module:function"), called with its channel's descriptor.

    ``prepare`` is called with ``arguments`` in a child that is forked in advance, before it has a channel.
    """

    target: str
    prepare: str
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Preload:
    """What a warm parent imports: modules, without those of packages that are left out.

    Modules of packages that are not known to be ``clean`` are tried in a child first.
    """

    preload: tuple[str, ...]
    left_out: tuple[str, ...]
    clean: tuple[str, ...]


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


def _ignore(_: WarmParent) -> None:
    """Do nothing."""


class WarmParent:
    """One fork server process. It exits when `close` is called; its children continue."""

    def __init__(self, process: asyncio.subprocess.Process, end: socket.socket) -> None:
        self._process = process
        self._end = end
        self._children: dict[int, ForkedProcess] = {}
        self._requests: dict[int, asyncio.Future[ForkedProcess]] = {}
        self._warm: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
        self._last_request = 0
        self._early: Callable[[WarmParent], object] = _ignore
        self.gone = False

    @property
    def is_childless(self) -> bool:
        """Whether every process that it forked has exited."""
        return not self._children

    @classmethod
    async def start(cls) -> WarmParent:
        """Start the process; it is idle until `warm_up`."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs, OWN_CHILDREN.starting() as started:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "nescord_core.reload.swapping.forkserver",
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                env={**os.environ, FORK_FD: str(theirs.fileno()), "PYTHONUNBUFFERED": "1"},
            )
            started(process.pid)
        ours.setblocking(False)
        parent = cls(process, ours)
        asyncio.get_running_loop().add_reader(ours, parent._readable)
        return parent

    @classmethod
    async def warmed(
        cls, program: Program, wanted: Preload, early: Callable[[WarmParent], object]
    ) -> tuple[WarmParent | None, dict[str, Any]]:
        """Start one and have it import modules; return it with its report, None if it cannot fork workers.

        ``early`` gets it as soon as it has forked a child that imports what it has not imported itself.
        """
        parent = await cls.start()
        parent._early = early
        try:
            answer = await parent.warm_up(program, wanted)
        except BaseException:
            await parent.close()
            raise
        if "warm" in answer:
            return parent, answer
        await parent.close()
        return None, answer

    async def warm_up(self, program: Program, request: Preload) -> dict[str, Any]:
        """Have it import modules; return its report, ``{}`` if it exited or hangs instead."""
        try:
            report(self._end, {**asdict(program), **asdict(request)})
            return await asyncio.wait_for(asyncio.shield(self._warm), IMPORT_LIMIT)
        except TimeoutError:
            return {}

    def import_in_children(self, names: list[str]) -> None:
        """Have a child that is forked in advance import modules; replaces such a child."""
        if not self.gone:
            with suppress(OSError):  # it is exiting
                report(self._end, {"later": names})

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
            case {"early": True}:
                self._early(self)
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
