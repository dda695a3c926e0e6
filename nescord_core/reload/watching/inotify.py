"""The kernel's own word of changes in directories (inotify(7)), Linux only.

Unlike watchfiles it says when a writer has closed its file, so that nobody has to wait and see whether more
of a save will come; and nothing wakes up while nothing changes.
"""

from __future__ import annotations

import asyncio
import ctypes
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

__all__ = ["Inotify", "Notice", "is_available"]

# linux/inotify.h
IN_MODIFY = 0x2
IN_CLOSE_WRITE = 0x8
IN_MOVED_FROM = 0x40
IN_MOVED_TO = 0x80
IN_CREATE = 0x100
IN_DELETE = 0x200
IN_Q_OVERFLOW = 0x4000
IN_IGNORED = 0x8000
IN_ONLYDIR = 0x0100_0000
IN_ISDIR = 0x4000_0000
CHANGES = IN_MODIFY | IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_CREATE | IN_DELETE
WHOLE = IN_CLOSE_WRITE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE
"""After these the file is as its writer wants it."""
EVENT = struct.Struct("iIII")
BUFFER = 64 * 1024


@dataclass(frozen=True, slots=True)
class Notice:
    """Something changed at ``path``, relative to the project; empty: something somewhere, notices were lost.

    ``whole`` says that the writer of a file is through with it.
    """

    path: str
    is_directory: bool = False
    whole: bool = True


def is_available() -> bool:
    """Say whether this system has inotify."""
    return sys.platform == "linux"


class Inotify:
    """Watches single directories, each by its path relative to ``root``. Use it as a context."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._libc = ctypes.CDLL(None, use_errno=True)
        self._descriptor = -1
        self._names: dict[int, str] = {}
        self._readable = asyncio.Event()

    def __enter__(self) -> Self:
        """Raises OSError where the user has no instance left (fs.inotify.max_user_instances)."""
        self._descriptor = self._checked(self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC), "")
        asyncio.get_running_loop().add_reader(self._descriptor, self._readable.set)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        asyncio.get_running_loop().remove_reader(self._descriptor)
        os.close(self._descriptor)

    def watch(self, directory: str) -> None:
        """Watch a directory, under its new name if it is watched already.

        Raises OSError: it is gone, may not be read, or fs.inotify.max_user_watches is reached.
        """
        path = os.fsencode(self._root / directory)
        watch = self._libc.inotify_add_watch(self._descriptor, path, CHANGES | IN_ONLYDIR)
        self._names[self._checked(watch, str(self._root / directory))] = directory

    async def notices(self) -> list[Notice]:
        """Wait for changes."""
        while True:
            await self._readable.wait()
            self._readable.clear()
            try:
                data = os.read(self._descriptor, BUFFER)
            except BlockingIOError:
                continue
            self._readable.set()  # there may be more than one buffer holds
            if found := list(self._understood(data)):
                return found

    def _understood(self, data: bytes) -> Iterator[Notice]:
        at = 0
        while at < len(data):
            watch, mask, _, length = EVENT.unpack_from(data, at)
            name = os.fsdecode(data[at + EVENT.size : at + EVENT.size + length].rstrip(b"\0"))
            at += EVENT.size + length
            if mask & IN_Q_OVERFLOW:
                yield Notice("")
            elif mask & IN_IGNORED:
                self._names.pop(watch, None)  # the directory is gone, and the kernel forgot it
            elif name and (directory := self._names.get(watch)) is not None:
                path = f"{directory}/{name}" if directory else name
                yield Notice(path, bool(mask & IN_ISDIR), bool(mask & WHOLE))

    @staticmethod
    def _checked(result: int, path: str) -> int:
        if result < 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), path or None)
        return result
