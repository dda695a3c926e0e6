"""Says where a bot is that takes longer than a moment to start."""

from __future__ import annotations

import asyncio
import inspect
import logging
import sys
import threading
import types
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from nescord_core.bot.drain_notice import MOMENT
from nescord_core.reload.loading import own_code

__all__ = ["SlowStart"]

log = logging.getLogger("nescord.main")


class SlowStart:
    """Logs once, a moment after `begin`, unless `end` was called; a start may take ``timeout`` seconds."""

    def __init__(self, project: Path, timeout: float) -> None:
        self._project = project
        self._timeout = timeout
        self._timer: threading.Timer | None = None

    def begin(self) -> None:
        """Start the clock."""
        self._timer = threading.Timer(MOMENT, self._say)
        self._timer.daemon = True
        self._timer.start()

    def end(self) -> None:
        """The bot is ready, or will not be."""
        if self._timer is not None:
            self._timer.cancel()

    def _say(self) -> None:
        places = dict.fromkeys(self._places())
        where = f": it is in {', '.join(places)}" if places else ""
        log.info("waiting for the bot to start, for another %g s at most%s", self._timeout - MOMENT, where)

    def _places(self) -> Iterator[str]:
        """Yield where the bot's own code is: what the main thread executes, and what its tasks wait in."""
        frame = sys._current_frames().get(threading.main_thread().ident or 0)
        loops = set()
        innermost = None
        while frame is not None:
            innermost = innermost or self._place(frame.f_code, frame.f_lineno)
            if isinstance(loop := frame.f_locals.get("self"), asyncio.AbstractEventLoop):
                loops.add(loop)
            frame = frame.f_back
        if innermost is not None and not loops:
            yield innermost
        for loop in loops:
            with suppress(RuntimeError):  # the tasks change while they are listed
                for task in asyncio.all_tasks(loop):
                    yield from self._waiting(task.get_coro())

    def _waiting(self, inner: object) -> Iterator[str]:
        found = None
        while inspect.iscoroutine(inner):
            if inner.cr_frame is not None:
                found = self._place(inner.cr_code, inner.cr_frame.f_lineno) or found
            inner = inner.cr_await
        if found is not None:
            yield found

    def _place(self, code: types.CodeType, line: int) -> str | None:
        if not own_code.is_own(code.co_filename, self._project):
            return None
        return f"{code.co_qualname} ({Path(code.co_filename).name}:{line})"
