"""A log file that rotates."""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

from nescord_core.process.state_dir import make_folder, open_file

__all__ = ["LogFile"]


class LogFile:
    """A log file that rotates at ``max_bytes`` and keeps ``keep`` older files (.1 is the newest)."""

    def __init__(self, path: Path, *, max_bytes: int = 5_000_000, keep: int = 3) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._file: IO[bytes] | None = None

    def write(self, line: str) -> None:
        data = line.encode("utf-8", "replace") + b"\n"
        file = self._file or self._opened()
        if file.tell() and file.tell() + len(data) > self._max_bytes:
            file = self._rotated()
        file.write(data)
        file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        make_folder(self._path.parent)
        self._file = os.fdopen(open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")
        return self._file

    def _rotated(self) -> IO[bytes]:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._named(number - 1)
            if older.exists():
                older.replace(self._named(number))
        return self._opened()

    def _named(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
