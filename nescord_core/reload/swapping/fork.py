"""Starts workers by forking a warm parent (forkserver.py), or in a new interpreter while there is none.

The workers themselves report what to preload: every module they had imported that does not belong to the
project. Linux only.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from nescord_core.reload.swapping.forkserver import within_packet
from nescord_core.reload.swapping.preload_list import (
    PreloadList,
    load_preload_list,
    packages_stamp,
    save_preload_list,
)
from nescord_core.reload.swapping.preloading import package_of
from nescord_core.reload.swapping.spawn import Spawner, WorkerProcess
from nescord_core.reload.swapping.warm_parent import Preload, Program, WarmParent

__all__ = ["ForkWorkers", "is_available"]

log = logging.getLogger("nescord.reload")
FIRST_LIMIT = 10.0
"""Seconds that the first worker of a run waits for a warm parent before it starts in a new interpreter."""
PATIENCE = 1.5
"""The same for further workers, while another warm parent imports."""


def is_available() -> bool:
    """Return whether this system can fork workers this way."""
    return sys.platform == "linux" and hasattr(os, "pidfd_open") and hasattr(signal, "pidfd_send_signal")


class ForkWorkers:
    """Spawner that forks workers from a warm parent, and spawns them while there is none.

    The warm parent imports what a worker reports to have imported. ``state_dir`` stores that list, so that
    even the first worker of the next run is forked; only the very first worker of a project is spawned.
    After each report, one child is forked in advance. It imports the packages that start threads on import,
    which the warm parent leaves out.
    """

    def __init__(self, program: Program, fallback: Spawner, state_dir: Path | None = None) -> None:
        self._program = program
        self._fallback = fallback
        self._warm: WarmParent | None = None
        self._early: WarmParent | None = None
        """A parent that goes on importing, but has forked a child that the next worker can use."""
        self._retired: list[WarmParent] = []
        self._stamp: tuple[int, ...] = ()
        self._known: set[str] = set()
        self._left_out: set[str] = set()
        self._warming = asyncio.Lock()
        self._first_warming = asyncio.Lock()
        self._state_dir = state_dir
        self._is_first = state_dir is not None

    @property
    def is_warm(self) -> bool:
        """Whether the next worker will be forked."""
        return self._warm is not None and not self._warm.gone and self._stamp == packages_stamp()

    async def start(self, end: socket.socket) -> WorkerProcess:
        """Fork a worker; spawn it if there is no warm parent or the installed packages have changed."""
        await self._warm_up_from_last_run()
        await self._await_warm_parent()
        warm = self._warm if self.is_warm else self._early
        if warm is None or warm.gone:
            return await self._fallback.start(end)
        try:
            return await warm.fork(end)
        except ConnectionError:
            log.warning("the warm parent process exited; this worker starts in a new interpreter")
            return await self._fallback.start(end)

    async def _await_warm_parent(self) -> None:
        """Wait briefly for a warm parent that is importing: a new interpreter would import the same."""
        if not self.is_warm and self._early is None and self._warming.locked():
            with suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE), self._warming:
                    return

    def moved(self, arguments: tuple[str, ...]) -> None:
        """Drop the warm parent, whose waiting child has been prepared in the old directory."""
        self._program = replace(self._program, arguments=arguments)
        self._retire()

    def distrust(self) -> None:
        """Drop the warm parent, so that the next worker starts in a new interpreter."""
        self._retire()

    async def learn(self, modules: tuple[str, ...]) -> None:
        """Warm up with these modules if there is no warm parent, or if it lacks one of them."""
        async with self._warming:
            await self._close_retired()
            if not self.is_warm or not set(modules) <= self._known:
                try:
                    await self._warm_up(modules)
                except OSError as error:
                    log.warning("cannot start a warm parent (%s); workers start in new interpreters", error)
                    return
                self._save(modules)
            if self._warm is not None:
                self._warm.keep_one_ahead(True)

    async def _warm_up_from_last_run(self) -> None:
        """Before the first worker, import the modules of the last run's workers."""
        async with self._first_warming:
            is_first, self._is_first = self._is_first, False
            saved = load_preload_list(self._state_dir) if is_first and self._state_dir else PreloadList()
            if not saved.modules or self.is_warm:
                return
            self._stamp, self._left_out, self._known = (
                packages_stamp(),
                set(saved.left_out),
                set(saved.modules),
            )
            try:
                async with asyncio.timeout(FIRST_LIMIT):
                    await self._warm_up(saved.modules)
            except OSError:  # a TimeoutError among them
                return  # the worker starts in a new interpreter, and `learn` tries again

    def _save(self, modules: tuple[str, ...]) -> None:
        if self._state_dir is None:
            return
        try:
            save_preload_list(self._state_dir, modules, self._left_out)
        except OSError as error:
            log.debug("cannot save the list of modules to preload: %s", error)

    async def close(self) -> None:
        """Stop the warm parent; running workers continue."""
        self._retire()
        for parent in self._retired:
            await parent.close()
        self._retired.clear()

    def _retire(self) -> None:
        self._early = None
        if self._warm is not None:
            self._warm.keep_one_ahead(False)
            self._retired.append(self._warm)
            self._warm = None

    async def _close_retired(self) -> None:
        """Close replaced warm parents that have no children left to report exit codes of."""
        for parent in [parent for parent in self._retired if parent.is_childless]:
            self._retired.remove(parent)
            await parent.close()

    async def _warm_up(self, modules: Sequence[str]) -> None:
        """Have a warm parent that has imported these modules, as far as their packages start no threads."""
        names = within_packet(modules)
        if self._stamp != (stamp := packages_stamp()):
            self._retire()
            self._known, self._left_out, self._stamp = set(), set(), stamp
        lacking = {name for name in names if package_of(name) not in self._left_out} - self._known
        if lacking or not self.is_warm:
            program, warm = self._program, await self._warmed(names)
            if warm is None:
                log.warning("preloading modules failed; workers start in new interpreters")
                return
            self._retire()
            if program is not self._program:  # it has moved meanwhile
                await warm.close()
                return
            self._warm = warm
        elif self._warm is not None:
            self._warm.import_in_children([name for name in names if package_of(name) in self._left_out])
        self._known.update(names)

    def _is_early(self, parent: WarmParent) -> None:
        self._early = parent

    async def _warmed(self, names: Sequence[str]) -> WarmParent | None:
        """Start a warm parent with these modules; tries all of them if what is known turns out wrong."""
        left_out = tuple(self._left_out)
        clean = tuple({package_of(name) for name in self._known} - self._left_out)
        wanted = Preload(tuple(names), left_out, clean)
        warm, answer = await WarmParent.warmed(self._program, wanted, self._is_early)
        if warm is None and clean:
            wanted = replace(wanted, clean=())
            warm, answer = await WarmParent.warmed(self._program, wanted, self._is_early)
        if found := answer.get("left_out"):
            self._left_out.update(found)
            log.info("not preloaded, because their import starts threads: %s", ", ".join(found))
        return warm
