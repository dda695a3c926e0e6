"""Who looks at a runtime's events from outside, and hands it events to be handled again.

Readers (`nescord events tail`, `record`, `replay`) leave a marker in state_dir/taps and are connected to
within half a second; a worker that starts finds them before its first event. `nescord events replay ID`
leaves an event that failed in state_dir/failed/again. Without anybody, an event costs one look at a flag.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nescord_core.bot.observing.recent_events import RecentEvents
from nescord_core.bot.observing.subscriber import MARKER, Subscriber, marker_of
from nescord_core.envelope import Envelope
from nescord_core.tracing import cause as tracing
from nescord_core.tracing import records
from nescord_core.tracing.cause import Call, Cause
from nescord_core.tracing.failed_events import failed_id

__all__ = ["Observers", "ReplayedDelivery"]

_LOOK_EVERY = 0.5
_PARTING = 0.5
_ROOM = 400
"""Bytes of a line besides the event's own data, about."""


class ReplayedDelivery:
    """Stands where a delivery's stream would be: nobody waits for its acknowledgement.

    ``rest_url`` takes its calls, if not empty. One that failed before is ``recorded`` if it fails once more.
    """

    def __init__(self, rest_url: str = "", *, recorded: bool) -> None:
        self.rest_url = rest_url
        self.recorded = recorded


class Observers:
    """``accept`` takes an event to be handled again, ``failed`` yields those that somebody wants to be.

    ``keep_recent`` writes what happens to a file.
    """

    def __init__(
        self,
        state_dir: Path,
        accept: Callable[[Envelope, ReplayedDelivery], None],
        failed: Callable[[], Iterable[Envelope]],
        *,
        hello: records.Hello,
        keep_recent: bool,
    ) -> None:
        self.active = False
        """Whether anybody wants to know."""
        self.traced = False
        """Whether anybody ever did: from then on, every handler says what it runs for."""
        self._markers = state_dir / MARKER
        self._accept = accept
        self._failed = failed
        self._hello = hello
        self._recent = RecentEvents(state_dir) if keep_recent else None
        self._tails: dict[Path, tuple[Subscriber, asyncio.Task[None]]] = {}
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._looking: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._stack.enter_context(tracing.observe(self._called))
        self._find_readers()
        self._looking = self._tasks.create_task(self._look())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        for tail, serving in self._tails.values():
            tail.close()
            asyncio.get_running_loop().call_later(_PARTING, serving.cancel)  # it may not read at all
        await self._tasks.__aexit__(None, None, None)
        await self._stack.aclose()
        if self._recent is not None:
            self._recent.close()

    def leave(self) -> None:
        """Take up nothing more; what is going on is still told."""
        self._has_left = True
        if self._looking is not None:
            self._looking.cancel()

    def came(self, envelope: Envelope, again: ReplayedDelivery | None) -> Cause:
        """Tell of an event, and return what its handlers are to be known to run for."""
        is_again = again is not None
        size = len(envelope.data)
        self._tell(envelope, size, lambda: records.encode(records.seen(envelope, again=is_again)))
        return Cause(envelope, again.rest_url if again else "", is_again)

    def ended(self, cause: Cause, error: str) -> None:
        """Tell that the handlers of an event are done."""
        ms = round((time.time() - cause.envelope.received_at) * 1000, 1)
        self._tell(
            cause.envelope, 0, lambda: records.encode(records.Ended(failed_id(cause.envelope), ms, error))
        )

    def _called(self, cause: Cause, call: Call) -> None:
        self._tell(
            cause.envelope,
            len(call.body),
            lambda: records.encode(records.called(cause.envelope, call)),
            is_call=True,
        )

    def _tell(
        self, envelope: Envelope, size: int, line: Callable[[], bytes], *, is_call: bool = False
    ) -> None:
        if self._recent is not None:
            self._recent.put(line())
        for tail, _ in self._tails.values():
            if tail.wanted.takes(envelope) and (tail.wanted.calls or not is_call):
                tail.put(size + _ROOM, line)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_EVERY)
            self._find_readers()
            for envelope in self._failed():
                self._accept(envelope, ReplayedDelivery(recorded=True))

    def _find_readers(self) -> None:
        with suppress(OSError):
            for path in self._markers.glob("*.json"):
                marker = None if path in self._tails else marker_of(path)
                if marker is not None:
                    tail = Subscriber(marker, self._hello, self._handle)
                    self._tails[path] = tail, self._tasks.create_task(self._serve(path, tail))
        self._note()

    def _handle(self, again: records.ReplayRequest) -> None:
        if not self._has_left:  # else whoever sent it gives it to the next process
            self._accept(again.envelope(), ReplayedDelivery(again.rest_url, recorded=False))

    async def _serve(self, path: Path, tail: Subscriber) -> None:
        try:
            await tail.run()
        except (OSError, TimeoutError):
            _take_away(path, Path(tail.socket))  # its reader was killed and could not do that itself
        finally:
            self._tails.pop(path, None)
            self._note()

    def _note(self) -> None:
        self.active = bool(self._tails) or self._recent is not None
        self.traced = self.traced or self.active


def _take_away(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
