"""Watches the project of a running main: changed code reloads it, changed configuration restarts services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from nescord_core.reload.watching.reload_loops import OwnWrites
from nescord_core.reload.watching.watcher import Watcher, matcher_for
from nescord_core.services.main.dev_messages import DevMessages
from nescord_core.services.main.file_changes import FileChanges

__all__ = ["ProjectWatch"]

log = logging.getLogger("nescord.main")

Reload = Callable[[tuple[str, ...], float], object]
"""Reloads for these files; the loop time is that of the first notification."""


class ProjectWatch:
    """Watches one project at a time, and another one after `move`."""

    def __init__(self, project: Path, state_dir: Path, dev: DevMessages, reload: Reload) -> None:
        self._project = project
        self._state_dir = state_dir
        self._dev = dev
        self._reload = reload
        self._own_writes = OwnWrites()
        self._moved = asyncio.Event()
        self._watcher: Watcher | None = None
        self._has_told_left_out = False

    def begin(self, digest: str = "") -> None:
        """Take the files as known, before a worker reads them; ``digest`` is that of the configuration."""
        changes = FileChanges(self._project)
        self._watcher = Watcher(
            self._project, matcher_for(self._project, self._state_dir), self._changed(changes)
        )
        self._watcher.begin()
        if services := changes.since_start(digest):
            self._dev.send("configured", services=list(services))

    def move(self, project: Path) -> None:
        """Watch another directory."""
        self._project = project
        if self._watcher is not None:
            self.begin()
        self._moved.set()

    def wrote(self, path: str) -> None:
        """Record that the bot wrote one of its own files."""
        names = self._watcher.names_of(path) if self._watcher is not None else [path]
        for name in names:
            self._own_writes.wrote(name, asyncio.get_running_loop().time())

    def sources(self, directories: tuple[str, ...], since: float) -> None:
        """Watch the directories that the bot's modules come from; say once which others are left out."""
        if self._watcher is None:
            return
        self._watcher.imported(directories, since)
        if not self._has_told_left_out:
            self._has_told_left_out = True
            if left_out := self._watcher.left_out():
                log.info("not watched: %s", ", ".join(left_out))

    async def run(self) -> None:
        """Watch until cancelled."""
        while self._watcher is not None:
            self._moved.clear()
            async with asyncio.TaskGroup() as tasks:
                watching = tasks.create_task(self._watcher.run())
                await self._moved.wait()
                watching.cancel()

    def _changed(self, changes: FileChanges) -> Callable[[frozenset[str], float], None]:
        def changed(paths: frozenset[str], began: float) -> None:
            if services := changes.restarts(paths):
                self._dev.send("configured", services=list(services))
            sifted = self._own_writes.sift(changes.code(paths), asyncio.get_running_loop().time())
            for path in sifted.paused:
                log.warning(
                    "the bot writes %s each time it runs; this no longer reloads it, until something else"
                    " changes the file. Add the file to .gitignore, or write to another directory",
                    path,
                )
            if sifted.to_reload:
                self._reload(sifted.to_reload, began)

        return changed
