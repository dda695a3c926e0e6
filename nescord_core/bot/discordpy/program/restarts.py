"""A program that replaces itself by a new run of itself, as a bot's restart command does.

The new Python would know nothing of nescord and connect to Discord by itself, beside ws.
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
    """Have ``leave`` called, which ends this process in order, where it would become another Python."""
    os.execv = _replacing(os.execv, leave)
    os.execve = _replacing(os.execve, leave)


def _replacing(original: Callable[..., NoReturn], leave: Callable[[], object]) -> Callable[..., NoReturn]:
    @functools.wraps(original)
    def execute(path: Any, *arguments: Any) -> NoReturn:
        if not _is_the_program(path):
            original(path, *arguments)
        log.info("the bot starts itself anew: this process ends, and main starts the next one")
        leave()
        # The handler ends here, and its event counts as done; it must not come again and restart once more.
        raise asyncio.CancelledError if _in_a_task() else SystemExit(0)

    return execute


def _is_the_program(path: Any) -> bool:
    """Python, which then runs the bot's file, or that file if it can be executed."""
    given = Path(os.fsdecode(path))
    if given.name.startswith("python") or given == Path(sys.executable):
        return True
    return given.resolve() == Path(sys.argv[0]).resolve() and os.access(given, os.X_OK)


def _in_a_task() -> bool:
    try:
        return asyncio.current_task() is not None
    except RuntimeError:
        return False
