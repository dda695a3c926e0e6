"""Watches a project's files and tells of changed content, once a save.

The system's notifications only wake it up; what has changed is read from the files themselves, so that a lost
or doubled notification does no harm. Where there are no notifications, it looks by itself twice a second.
"""

from __future__ import annotations

import asyncio
import errno
import logging
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
from nescord_core.reload.watching.matcher import Matcher

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
    try:
        ignored = gitignore.parse((project / ".gitignore").read_text(encoding="utf-8", errors="replace"))
    except OSError:
        ignored = gitignore.Ignored()
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
        self._matcher = matcher
        self._changed = changed
        self._polling = polling
        self._by_kernel = inotify.is_available() if by_kernel is None else by_kernel
        self._mounts = mounts
        self._snapshot = ContentSnapshot(project, matcher)
        self._debounce = Debounce()
        self._woken = asyncio.Event()
        self.is_watching = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled."""
        self._snapshot.changed()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._notice(), name="notice file changes")
            tasks.create_task(self._tell(), name="tell of file changes")
            if not self._polling and self._is_on_shared_mount():
                tasks.create_task(self._poll(), name="compare files")

    async def _notice(self) -> None:
        while not self._polling:
            try:
                await (self._kernel_notices() if self._by_kernel else self._notifications())
            except FileNotFoundError:
                self._look()  # a directory went away between the look and the watch
            except (OSError, WatchfilesRustInternalError) as error:
                self._polling = True
                log.warning(
                    "no file notifications here (%s); files are compared every %g s",
                    _why_not(error),
                    POLL_INTERVAL,
                )
        await self._poll()

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
            while True:
                await self._watch_all(kernel)
                self.is_watching.set()
                while not self._heed(await kernel.notices()):
                    pass
                self._look()

    async def _watch_all(self, kernel: Inotify) -> None:
        """Watch all directories that there are; what came into one before it was watched is looked for."""
        watched: frozenset[str] = frozenset()
        while self._snapshot.directories != watched:
            for directory in self._snapshot.directories:
                with suppress(FileNotFoundError, NotADirectoryError):  # the next look knows
                    kernel.watch(directory)
            watched = self._snapshot.directories
            self._look()
        while not self._snapshot.directories:
            await asyncio.sleep(POLL_INTERVAL)  # the project has been moved away
            self._look()

    def _heed(self, notices: Iterable[Notice]) -> bool:
        """Read the files that were named; say whether only a look at everything will do."""
        files: dict[str, bool] = {}
        everything = False
        for notice in notices:
            if notice.path in self._snapshot.directories:
                everything = True  # the project itself, when notices were lost, is ""
            elif notice.is_directory:
                everything |= self._matcher.wants_directory(notice.path)
            elif self._matcher.wants_file(notice.path):
                files[notice.path] = notice.whole
        if files:
            self._gather(self._snapshot.reread(files))
            self._debounce.whole(path for path, whole in files.items() if whole)
        return everything

    # ---------------------------------------------------------------- elsewhere

    async def _notifications(self) -> None:
        """Watch the directories that there are; return when there are others.

        Each is watched by itself, because a recursive watch would go into .venv and node_modules and use up
        the system's watches. Between two watches nothing is missed: the files are compared once each has
        begun, which it has when this coroutine first waits.
        """
        directories = self._snapshot.directories
        if not directories:
            await asyncio.sleep(POLL_INTERVAL)
            return self._look()
        stop = asyncio.Event()
        asyncio.get_running_loop().call_soon(self._look)
        async for changes in awatch(
            *(self._project / directory for directory in directories),
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
                self._look(self._relative(path) for _, path in changes)
            if self._snapshot.directories != directories:
                stop.set()
        return None

    def _may_matter(self, change: Change, path: str) -> bool:
        relative = self._relative(path)
        if self._matcher.wants_file(relative):
            return True
        return change is not Change.modified and (
            relative in self._snapshot.directories
            or (self._matcher.wants_directory(relative) and Path(path).is_dir())
        )

    def _relative(self, path: str) -> str:
        return Path(path).relative_to(self._project).as_posix()

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
