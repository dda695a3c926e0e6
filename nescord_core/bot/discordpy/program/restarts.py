"""Handles programs that exec themselves, as a bot's restart command does.

The new interpreter would know nothing of nescord and connect to Discord by itself, in parallel to ws.
"""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

__all__ = ["restart_instead_of_exec"]

log = logging.getLogger("nescord.main")


def restart_instead_of_exec(leave: Callable[[], object]) -> None:
    """Make an exec of the program call ``leave`` instead, which ends this process gracefully."""
    os.execv = _replacing(os.execv, leave)
    os.execve = _replacing(os.execve, leave)


def _replacing(original: Callable[..., NoReturn], leave: Callable[[], object]) -> Callable[..., NoReturn]:
    @functools.wraps(original)
    def execute(path: Any, *arguments: Any) -> NoReturn:
        if not _is_the_program(path):
            original(path, *arguments)
        log.info("the bot restarts itself: this process exits, and main starts the next one")
        leave()
        # The handler ends here and its event counts as done; redelivered, it would restart the bot again.
        raise asyncio.CancelledError if _in_a_task() else SystemExit(0)

    return execute


def _is_the_program(path: Any) -> bool:
    """Return whether it is Python, which then runs the bot's file, or that file if it is executable."""
    given = Path(os.fsdecode(path))
    if given.name.startswith("python") or given == Path(sys.executable):
        return True
    return given.resolve() == Path(sys.argv[0]).resolve() and os.access(given, os.X_OK)


def _in_a_task() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
