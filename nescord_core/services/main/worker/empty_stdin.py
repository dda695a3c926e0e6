"""Standard input of a worker under `nescord dev`: empty, and `nescord dev` learns that the bot reads it.

Otherwise its author would type an answer to the bot's prompt, and `nescord dev` would take it for keys.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable
from pathlib import Path

from nescord_core.reload.loading.own_code import is_own
from nescord_core.services.control import control_socket
from nescord_core.services.control.blocking_request import tell

__all__ = ["install"]


def install(state_dir: Path, project: Path) -> None:
    """Replace `sys.stdin` by one that tells `nescord dev` when it is read."""

    def asked() -> None:
        file, line = _caller(project)
        tell(state_dir, control_socket.DEV, "asked", {"file": file, "line": line})

    sys.stdin = _EmptyInput(asked)


def _caller(project: Path) -> tuple[str, int]:
    """Return the innermost line of the author's own code that is being run."""
    frame = sys._getframe(1)
    while frame is not None and not is_own(frame.f_code.co_filename, project):
        frame = frame.f_back  # type: ignore[assignment]  # None for the outermost frame
    if frame is None:
        return "", 0
    path = Path(frame.f_code.co_filename)
    shown = path.relative_to(project) if path.is_relative_to(project) else path
    return str(shown), frame.f_lineno


class _EmptyInput(io.TextIOWrapper):
    """Standard input, which is /dev/null in a worker."""

    def __init__(self, asked: Callable[[], None]) -> None:
        super().__init__(io.BufferedReader(io.FileIO(0, closefd=False)), encoding="utf-8", errors="replace")
        self._asked = asked

    def read(self, size: int | None = -1, /) -> str:
        self._asked()
        return super().read(size)

    def readline(self, size: int = -1, /) -> str:  # type: ignore[override]  # typeshed has no SupportsIndex here
        self._asked()
        return super().readline(size)
