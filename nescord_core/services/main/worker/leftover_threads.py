"""Names the threads in which a bot's own code keeps its process from ending, once a run of main.

Threads of libraries (a database driver's, an idle executor's) end with the process, and the author of the bot
can do nothing about them.
"""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from types import FrameType

from nescord_core.process.state_dir import read_bytes, replace_file
from nescord_core.reload.loading import own_code

__all__ = ["is_new", "names_to_report"]


def names_to_report(threads: Iterable[threading.Thread], project: Path) -> list[str]:
    """Return the names of the threads that execute the author's own code, or nothing but a built-in function.

    Whose thread that is cannot be told: it is named rather than passed over.
    """
    frames = sys._current_frames()
    return [each.name for each in threads if not _is_of_library(frames.get(each.ident or 0), project)]


def is_new(state_dir: Path) -> bool:
    """Return True once in each run of main, whose entry in state_dir tells it from others."""
    said = state_dir / "run" / "leftover-threads"
    with suppress(OSError):
        run = read_bytes(state_dir / "run" / "main.json")
        with suppress(OSError):
            if read_bytes(said) == run:
                return False
        replace_file(said, run)
    return True


def _is_of_library(frame: FrameType | None, project: Path) -> bool:
    files = set()
    while frame is not None:
        files.add(frame.f_code.co_filename)
        frame = frame.f_back
    beside = files - {threading.__file__}
    return bool(beside) and not any(own_code.is_own(file, project) for file in beside)
