"""Claims on ports that a process of this user is about to use, so that two of them do not choose the same.

Binding tells only who came first once both have started. A claim is a locked file, which the kernel releases
with the process. Claims bind nescord's own processes only, and where they cannot be made there are none.
"""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from nescord_core.process.state_dir import open_file

__all__ = ["PortClaims"]


class PortClaims:
    """The claims of this process, until `release` or its end."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _folder()
        self._files: dict[int, int] = {}

    def take(self, ports: Iterable[int]) -> bool:
        """Claim all of these ports, or none if another process has claimed one."""
        taken: list[int] = []
        for port in ports:
            if port in self._files:
                continue
            if not self._take(port):
                self.release(taken)
                return False
            taken.append(port)
        return True

    def release(self, ports: Iterable[int] | None = None) -> None:
        """Give up claims: these, or all."""
        for port in list(self._files if ports is None else ports):
            with suppress(KeyError):
                os.close(self._files.pop(port))

    def close(self) -> None:
        """Give up all claims."""
        self.release()

    def _take(self, port: int) -> bool:
        try:
            _prepare(self._folder)
            file = open_file(self._folder / f"{port}.lock", os.O_RDWR | os.O_CREAT)
        except OSError:
            return True  # no place for claims
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            return False
        except OSError:
            os.close(file)
            return True
        self._files[port] = file
        return True


def _folder() -> Path:
    """Return this user's own directory for claims."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir():
        return Path(runtime) / "nescord-ports"
    return Path(tempfile.gettempdir()) / f"nescord-ports-{os.geteuid()}"


def _prepare(folder: Path) -> None:
    """Create the directory; raises PermissionError if somebody else has put one there."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
        raise PermissionError(f"{folder} is not this user's own directory")
