"""Watches a project's files and tells of changed content, once a save.

The system's notifications only wake it up; what has changed is read from the files themselves, so that a lost
or doubled notification does no harm. Where there are no notifications, it looks by itself twice a second.

Notifications come by real paths, files are told by their names in the project (source_tree.py).
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

from watchfiles import Change, awatch
from watchfiles._rust_notify import WatchfilesRustInternalError

from nescord_core.process.os_errors import reason_of
from nescord_core.reload.watching import gitignore, inotify
from nescord_core.reload.watching.contents import ContentSnapshot
from nescord_core.reload.watching.debounce import Debounce
from nescord_core.reload.watching.file_systems import Mount, filesystem_of, is_shared
from nescord_core.reload.watching.inotify import Inotify, Notice
from nescord_core.reload.watching.left_out import left_out
from nescord_core.reload.watching.matcher import Matcher
from nescord_core.reload.watching.source_tree import SourceTree

__all__ = ["Watcher", "matcher_for"]

log = logging.getLogger("nescord.reload")
POLL_INTERVAL = 0.5
STEP_MS = 5
"""How often watchfiles asks for news. A save waits for one or two of these; a look costs microseconds."""
GATHER_MS = 20

Changed = Callable[[frozenset[str], float], None]
"""Gets the changed files, relative to the project, and the loop time of the first notification."""


def matcher_for(project: Path, state_dir: Path) -> Matcher:
    """Make the matcher of a project, with its .gitignore."""
    ignored, file = gitignore.Ignored(), project / ".gitignore"
    with suppress(OSError):
        if file.is_file():  # opening a fifo would wait for its writer
            ignored = gitignore.parse(os.fsdecode(file.read_bytes()))
    inside = state_dir.is_relative_to(project) and state_dir != project
    return Matcher(ignored, state_dir.relative_to(project).as_posix() if inside else None)


class Watcher:
    """Calls ``changed`` with the files whose content changed, after each pause in the changes.

    ``by_kernel`` chooses inotify where the system has it (the default), else watchfiles. With ``polling``
    there are no notifications at all. ``mounts`` are the system's where none are given.
    """

    def __init__(
        self,
        project: Path,
        matcher: Matcher,
        changed: Changed,
        *,
        polling: bool = False,
        by_kernel: bool | None = None,
        mounts: Iterable[Mount] | None = None,
    ) -> None:
        self._project = project
        self._changed = changed
        self._polling = polling
        self._by_kernel = inotify.is_available() if by_kernel is None else by_kernel
        self._mounts = mounts
        self._snapshot = ContentSnapshot(project, matcher)
        self._kernel: Inotify | None = None
        self._watched: set[str] = set()
        self._debounce = Debounce()
        self._woken = asyncio.Event()
        self.is_watching = asyncio.Event()

    def imported(self, directories: Iterable[str], since: float) -> None:
        """Watch these directories (absolute paths) as well: the bot has imported modules from them.

        ``since`` is when it began to load them, in seconds since the epoch.
        """
        names = {os.path.relpath(directory, self._project) for directory in directories}
        beside = {name for name in names if name.startswith(os.pardir)}
        below = names - beside - self._snapshot.directories - {os.curdir}
        others = {os.path.realpath(self._project / name) for name in beside} - self._tree.places.keys()
        if below <= self._snapshot.matcher.imported and not others:
            return
        self._gather(self._snapshot.widen(self._snapshot.matcher.importing(below), others, since))
        if self._kernel is not None:
            try:
                self._watch_found(self._kernel)
            except OSError as error:
                self._tell_of_polling(error)
                self._tasks.create_task(self._poll(), name="compare files")
        self._look()

    def names_of(self, path: str) -> list[str]:
        """Return the names of a file, relative to the project; ``path`` is one of them, or absolute."""
        directory, _, base = str(self._project / path).rpartition(os.sep)
        return self._tree.names_of(f"{os.path.realpath(directory)}{os.sep}{base}") or [path]

    def left_out(self) -> list[str]:
        """Describe the directories that hold code and are not watched."""
        return left_out(self._project, self._snapshot.matcher, self._tree)

    @property
    def _tree(self) -> SourceTree:
        return self._snapshot.tree

    def begin(self) -> None:
        """Take the content of all files as known: whatever reads them afterwards misses no change."""
        self._snapshot.changed()

    async def run(self) -> None:
        """Watch until cancelled."""
        if not self._snapshot.directories:
            self.begin()
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._notice(), name="notice file changes")
            self._tasks.create_task(self._tell(), name="tell of file changes")
            if not self._polling and self._is_on_shared_mount():
                self._tasks.create_task(self._poll(), name="compare files")

    async def _notice(self) -> None:
        while not self._polling:
            try:
                await (self._kernel_notices() if self._by_kernel else self._notifications())
            except FileNotFoundError:
                self._look()  # a directory went away between the look and the watch
            except (OSError, WatchfilesRustInternalError) as error:
                self._polling = True
                self._tell_of_polling(error)
        await self._poll()

    def _tell_of_polling(self, error: Exception) -> None:
        log.warning(
            "no file notifications here (%s); files are compared every %g s", _why_not(error), POLL_INTERVAL
        )

    async def _poll(self) -> None:
        while True:
            self._look()
            await asyncio.sleep(POLL_INTERVAL)

    def _is_on_shared_mount(self) -> bool:
        mounts = _mounts() if self._mounts is None else self._mounts
        filesystem = filesystem_of(mounts, str(self._project.resolve()))
        if not is_shared(filesystem):
            return False
        log.warning(
            "the project is on a %s mount, which tells nothing of changes made elsewhere; files are compared"
            " every %g s as well",
            filesystem,
            POLL_INTERVAL,
        )
        return True

    # ---------------------------------------------------------------- Linux

    async def _kernel_notices(self) -> None:
        """Watch each directory by itself: .venv and node_modules would use up the user's watches."""
        with Inotify(self._project) as kernel:
            self._kernel, self._watched = kernel, set()
            try:
                while True:
                    await self._watch_all(kernel)
                    self.is_watching.set()
                    while not self._heed(await kernel.notices()):
                        pass
                    self._look()
            finally:
                self._kernel = None

    async def _watch_all(self, kernel: Inotify) -> None:
        """Watch all directories that there are; what came into one before it was watched is looked for."""
        while not self._watch_found(kernel):
            self._look()
        while not self._tree.places:
            await asyncio.sleep(POLL_INTERVAL)  # the project has been moved away
            self._look()

    def _watch_found(self, kernel: Inotify) -> bool:
        """Watch the directories of the last look; return whether all of them were watched before."""
        wanted = self._tree.to_watch()
        for directory in wanted:
            with suppress(FileNotFoundError, NotADirectoryError, PermissionError):  # the next look knows
                kernel.watch(directory)
        known, self._watched = self._watched, wanted
        return wanted == known

    def _heed(self, notices: Iterable[Notice]) -> bool:
        """Read the files that were named; say whether only a look at everything will do."""
        files: dict[str, bool] = {}
        everything = False
        for notice in notices:
            if self._is_structural(notice):
                everything = True
                continue
            for name in filter(self._snapshot.matcher.wants_file, self._tree.names_of(notice.path)):
                files[name] = notice.whole
        if files:
            self._gather(self._snapshot.reread(files))
            self._debounce.whole(name for name, whole in files.items() if whole)
        return everything

    def _is_structural(self, notice: Notice) -> bool:
        """Whether directories or links have changed, or notices were lost."""
        tree, path = self._tree, notice.path
        if not path or path in tree.places or path in tree.crossings:
            return True
        if notice.is_directory:
            return any(map(self._snapshot.matcher.wants_directory, tree.names_of(path)))
        wants = self._snapshot.matcher
        return os.path.islink(path) and any(  # noqa: PTH114 - for every notice
            wants.wants_directory(name) or wants.wants_file(name) for name in tree.names_of(path)
        )

    # ---------------------------------------------------------------- elsewhere

    async def _notifications(self) -> None:
        """Watch the directories that there are; return when there are others.

        Each is watched by itself, because a recursive watch would go into .venv and node_modules and use up
        the system's watches. Between two watches nothing is missed: the files are compared once each has
        begun, which it has when this coroutine first waits.
        """
        directories = self._tree.to_watch()
        if not directories:
            await asyncio.sleep(POLL_INTERVAL)
            return self._look()
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(self._look)
        async for changes in awatch(
            *directories,
            watch_filter=self._may_matter,
            debounce=GATHER_MS,
            step=STEP_MS,
            rust_timeout=1000,
            yield_on_timeout=True,
            stop_event=stop,
            recursive=False,
            ignore_permission_denied=True,
        ):
            if changes:
                self._look(name for _, path in changes for name in self._tree.names_of(path))
            if self._tree.to_watch() != directories:
                stop.set()
        return None

    def _may_matter(self, change: Change, path: str) -> bool:
        names = self._tree.names_of(path)
        if any(map(self._snapshot.matcher.wants_file, names)):
            return True
        notice = Notice(path, is_directory=Path(path).is_dir())
        return change is not Change.modified and self._is_structural(notice)

    def _look(self, named: Iterable[str] = ()) -> None:
        self._gather(self._snapshot.changed(named))
        if self._polling or not self._by_kernel:
            self.is_watching.set()

    def _gather(self, changed: Iterable[str]) -> None:
        self._debounce.changed(changed, asyncio.get_running_loop().time())
        if self._debounce.next_at() is not None:
            self._woken.set()

    async def _tell(self) -> None:
        """Wait for changes to pause, then tell."""
        loop = asyncio.get_running_loop()
        while True:
            await self._woken.wait()
            self._woken.clear()
            began = loop.time()
            while (due := self._debounce.next_at()) is not None:
                if paths := self._debounce.take(loop.time()):
                    self._changed(paths, began)
                    began = loop.time()
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout_at(due):
                        await self._woken.wait()  # another change moves it
                self._woken.clear()


def _mounts() -> list[Mount]:
    import psutil  # 8 ms that only a main that watches files needs

    try:
        return [(each.mountpoint, each.fstype) for each in psutil.disk_partitions(all=True)]
    except OSError:
        return []  # a system that does not say


MORE = {
    errno.ENOSPC: "inotify watches are used up; `sysctl fs.inotify.max_user_watches=524288` allows more",
    errno.EMFILE: "inotify instances are used up; `sysctl fs.inotify.max_user_instances=512` allows more",
}


def _why_not(error: BaseException) -> str:
    if not isinstance(error, OSError):
        return str(error)
    return MORE.get(error.errno or 0) or reason_of(error)
