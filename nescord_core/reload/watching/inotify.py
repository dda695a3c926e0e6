"""File change notifications from the Linux kernel (inotify(7)), read with asyncinotify.

Unlike watchfiles, inotify reports when a writer has closed a file, so that a reload need not wait for more of
the same save. It also causes no wake-ups while nothing changes.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from asyncinotify import Event, Mask
    from asyncinotify import Inotify as Kernel

__all__ = ["Inotify", "Notice", "is_available"]

READ_SIZE = 240
"""Events of the greatest length that one read may return: 64 KB, or about 2,000 events with short names."""
BATCH = 1000


@dataclass(frozen=True, slots=True)
class Notice:
    """A change at ``path``, relative to the project; an empty path means that notifications were lost.

    ``whole`` means that the writer has closed the file.
    """

    path: str
    is_directory: bool = False
    whole: bool = True


def is_available() -> bool:
    """Return whether this system has inotify."""
    return sys.platform == "linux"


class Inotify:
    """Watches individual directories, given relative to ``root``. Use it as a context manager."""

    _kernel: Kernel

    def __init__(self, root: Path) -> None:
        self._root = root

    def __enter__(self) -> Self:
        """Open an inotify instance.

        Raises OSError if the user has no instance left (fs.inotify.max_user_instances).
        """
        # The import searches for libc, which takes 7 ms: only a main that watches files pays for it.
        from asyncinotify import Inotify as Kernel

        self._kernel = Kernel(cache_size=READ_SIZE, sync_timeout=0)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._kernel.close()

    def watch(self, directory: str) -> None:
        """Watch a directory; one that is watched already is reported under this name from now on.

        Raises OSError if it does not exist, cannot be read, or fs.inotify.max_user_watches is reached.
        """
        from asyncinotify import Mask

        changes = Mask.MODIFY | Mask.CLOSE_WRITE | Mask.MOVE | Mask.CREATE | Mask.DELETE
        watch = self._kernel.add_watch(self._root / directory, changes | Mask.ONLYDIR)
        watch.path = Path(directory)  # asyncinotify keeps the first path of a directory that has been renamed

    async def notices(self) -> list[Notice]:
        """Wait for changes; return all that are pending, up to a limit."""
        from asyncinotify import Mask

        final = Mask.CLOSE_WRITE | Mask.MOVE | Mask.DELETE
        while True:
            await asyncio.sleep(0)  # a stream of changes that never pauses must not starve other tasks
            events = [await self._kernel.get()]
            while len(events) < BATCH and (event := self._kernel.sync_get()) is not None:
                events.append(event)
            if notices := [notice for event in events if (notice := _notice(event, final)) is not None]:
                return notices


def _notice(event: Event, final: Mask) -> Notice | None:
    """Return None for an event without a file; after an event in ``final`` nobody is writing the file."""
    from asyncinotify import Mask

    if event.mask & Mask.Q_OVERFLOW:
        return Notice("")
    if event.name is None or event.path is None:
        return None
    return Notice(event.path.as_posix(), bool(event.mask & Mask.ISDIR), bool(event.mask & final))
