"""Adopts the orphans of a bot's processes, and ends those that a bot did not detach on purpose.

On Linux a process can become the parent of its descendants' orphans (PR_SET_CHILD_SUBREAPER, prctl(2)).
Elsewhere they go to process 1, and nothing here finds them.
"""

from __future__ import annotations

import asyncio
import ctypes
import logging
import os
import signal
import sys
from collections.abc import Callable, Collection, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from nescord_core.process.orphan_rules import Fate, Orphan, fate
from nescord_core.process.own_children import OWN_CHILDREN

if TYPE_CHECKING:
    import psutil

__all__ = ["MARK", "Orphans", "adopt"]

log = logging.getLogger("nescord")
MARK = "NESCORD_WORKER_PID"
"""Environment variable by which a worker's processes tell where they come from."""
PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
SCAN_INTERVAL = 5.0
GRACE = 2.0
"""Seconds from SIGTERM to SIGKILL."""
POLL_INTERVAL = 0.05
MOMENT = 0.3
"""Seconds for the processes of a worker that has ended to end by themselves, as its pipes are closed."""


def adopt() -> bool:
    """Become the parent of descendants whose own parent ends; return whether the system can do that.

    Children that this process has already, from before an exec(3), are nobody's orphans.
    """
    global _is_reaper  # noqa: PLW0603 - as the setting itself, for the whole process
    if sys.platform.startswith("linux"):
        libc = ctypes.CDLL(None, use_errno=True)
        _is_reaper = bool(libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
    with OWN_CHILDREN.starting() as started:
        for pid in _child_pids():
            started(pid)
    return _is_reaper


_is_reaper = False


class Orphans:
    """The adopted processes of this one. ``workers`` returns the ids of the workers that run.

    ``belongs`` says of an environment whether its process is looked after here. ``sessions`` are sessions of
    the service besides this process's own. ``tell`` gets a line for each process that is ended or detached.
    """

    def __init__(
        self,
        workers: Callable[[], Collection[int]] = frozenset,
        belongs: Callable[[dict[str, str]], bool] = lambda _: True,
        sessions: Collection[int] = (),
        tell: Callable[[str], object] = log.info,
    ) -> None:
        self._workers = workers
        self._belongs = belongs
        self._sessions = {os.getsid(0), *sessions}
        self._tell = tell
        self._seen: dict[int, bool] = {}
        """The orphans of the last scan, and whether the worker of each ran at that time."""
        self._detached: set[int] = set()
        self._woken = asyncio.Event()

    def look_soon(self) -> None:
        """Look at once: a worker has ended."""
        self._woken.set()

    async def run(self) -> None:
        """Look every few seconds, and when a worker has ended; until cancelled."""
        while True:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), SCAN_INTERVAL)
            if has_ended := self._woken.is_set():
                await asyncio.sleep(MOMENT)
            self._woken.clear()
            await self.look(has_ended=has_ended)

    async def look(self, *, has_ended: bool = False, ending: bool = False) -> None:
        """Reap dead orphans, name those that detached themselves, and end those that were left behind."""
        if not OWN_CHILDREN.is_complete:
            self._woken.set()
            await asyncio.sleep(POLL_INTERVAL)
            return
        adopted = _adopted()
        workers = self._workers()
        found = [(each, self._orphan(each, workers, is_fresh=has_ended)) for each in adopted]
        fates = [
            (process, fate(orphan, sessions=self._sessions, workers=workers, ending=ending))
            for process, orphan in found
            if orphan is not None
        ]
        self._seen = {o.pid: o.worker in workers for _, o in found if o is not None}
        self._name(process for process, what in fates if what is Fate.DETACHED)
        await self._end([process for process, what in fates if what is Fate.ENDED])

    def _orphan(self, process: psutil.Process, workers: Collection[int], *, is_fresh: bool) -> Orphan | None:
        """Return what the rules need; None for a process that has ended, or is not looked after here."""
        import psutil

        try:
            session = os.getsid(process.pid)
            environment = process.environ()
        except (psutil.Error, OSError):
            return None
        worker = environment.get(MARK, "")
        if process.pid in workers or not self._belongs(environment):
            return None
        return Orphan(
            process.pid,
            session,
            _is_leader(session),
            int(worker) if worker.isdigit() else None,
            was_early=self._seen.get(process.pid, False),
            is_fresh=is_fresh and process.pid not in self._seen,
        )

    def _name(self, detached: Iterable[psutil.Process]) -> None:
        for process in detached:
            if process.pid not in self._detached:
                self._detached.add(process.pid)
                self._tell(f"{_shown(process)} has detached itself from the bot; it is not ended with it")

    async def _end(self, processes: list[psutil.Process]) -> None:
        """End processes and their descendants: SIGTERM, and SIGKILL if they do not obey."""
        import psutil

        family: list[psutil.Process] = []
        for process in processes:
            with suppress(psutil.Error):
                self._tell(f"ending {_shown(process)}, which the bot left behind")
                family += [process, *process.children(recursive=True)]
        for number, patience in ((signal.SIGTERM, GRACE), (signal.SIGKILL, GRACE)):
            for process in family:
                with suppress(psutil.Error):
                    process.send_signal(number)
            end = asyncio.get_running_loop().time() + patience
            while family and asyncio.get_running_loop().time() < end:
                family = [process for process in family if _is_running(process)]
                await asyncio.sleep(POLL_INTERVAL if family else 0)


def _adopted() -> list[psutil.Process]:
    """Return the children that this process has not started; those that are dead are reaped."""
    children = _child_pids()
    OWN_CHILDREN.keep(children)
    unknown = [pid for pid in children if pid not in OWN_CHILDREN]
    if not unknown:
        return []
    import psutil  # 8 ms and 2 MB that a bot without helpers does not need

    found = []
    for pid in unknown:
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() == psutil.STATUS_ZOMBIE:
                _reap(pid)
            else:
                found.append(process)
    return found


def _child_pids() -> set[int]:
    """Return the ids of all children; proc_pid_task(5) lists them per thread."""
    pids: set[int] = set()
    for thread in Path("/proc/self/task").glob("*/children"):
        with suppress(OSError):
            pids.update(map(int, thread.read_text().split()))
    return pids


def _is_leader(session: int) -> bool:
    try:
        return os.getsid(session) == session
    except OSError:
        return False


def _reap(pid: int) -> None:
    if _is_reaper:  # else somebody else in this process waits for it
        with suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)


def _is_running(process: psutil.Process) -> bool:
    import psutil

    _reap(process.pid)
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _shown(process: psutil.Process) -> str:
    import psutil

    try:
        return f"{process.name()} (process {process.pid})"
    except psutil.Error:
        return f"process {process.pid}"
