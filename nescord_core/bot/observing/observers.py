"""Publishes a runtime's events to observers, and accepts events to be replayed.

Readers (`nescord events tail`, `record`, `replay`) leave a marker in state_dir/taps and are connected within
half a second; a new worker finds them before its first event. `nescord events replay ID` leaves a failed
event in state_dir/failed/again. Without observers, an event costs one check of a flag.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from nescord_core.bot.observing.logged_errors import LoggedErrors
from nescord_core.bot.observing.recent_events import RecentEvents
from nescord_core.bot.observing.subscriber import MARKER, Subscriber, marker_of
from nescord_core.bot.registration import Registration
from nescord_core.envelope import Envelope
from nescord_core.tracing import cause as tracing
from nescord_core.tracing import records
from nescord_core.tracing.cause import Call, Cause
from nescord_core.tracing.failed_events import failed_id
from nescord_core.tracing.handler_run import HandlerRun, failed_run, is_own, within

__all__ = ["Observers", "ReplayedDelivery"]

_POLL_INTERVAL = 0.5
_CLOSE_TIMEOUT = 0.5
_LINE_OVERHEAD = 400
"""The approximate size of a line without the event's data, in bytes."""


class ReplayedDelivery:
    """Replaces a delivery's stream for a replayed event, which needs no acknowledgement.

    ``rest_url``, if set, receives its REST calls. ``recorded`` is set for one from the failed events, which
    is recorded again if it fails again.
    """

    def __init__(self, rest_url: str = "", *, recorded: bool) -> None:
        self.rest_url = rest_url
        self.recorded = recorded


class Observers:
    """``accept`` takes an event to replay, ``failed`` yields failed events whose replay was requested.

    ``keep_recent`` writes events and calls to a file.
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
        """Whether there are observers now."""
        self.traced = False
        """Whether there ever were: from then on, every handler has its cause set."""
        self._markers = state_dir / MARKER
        self._accept = accept
        self._failed = failed
        self._hello = hello
        self._recent = RecentEvents(state_dir) if keep_recent else None
        self._subscribers: dict[Path, tuple[Subscriber, asyncio.Task[None]]] = {}
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._polling: asyncio.Task[None] | None = None
        self._has_left = False

    async def __aenter__(self) -> Self:
        await self._tasks.__aenter__()
        self._stack.enter_context(tracing.observe(self._record_call))
        errors = LoggedErrors()
        logging.getLogger().addHandler(errors)
        self._stack.callback(logging.getLogger().removeHandler, errors)
        self._find_readers()
        self._polling = self._tasks.create_task(self._poll())
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.leave()
        for subscriber, serving in self._subscribers.values():
            subscriber.close()
            asyncio.get_running_loop().call_later(_CLOSE_TIMEOUT, serving.cancel)  # in case it does not read
        await self._tasks.__aexit__(None, None, None)
        await self._stack.aclose()
        if self._recent is not None:
            self._recent.close()

    def leave(self) -> None:
        """Accept no more replays; running events are still published."""
        self._has_left = True
        if self._polling is not None:
            self._polling.cancel()

    def received(self, envelope: Envelope, replay: ReplayedDelivery | None) -> Cause:
        """Publish an event and return the cause of its handlers' actions."""
        is_replay = replay is not None
        size = len(envelope.data)
        self._publish(envelope, size, lambda: records.encode(records.seen(envelope, again=is_replay)))
        return Cause(envelope, replay.rest_url if replay else "", is_replay)

    def ended(self, cause: Cause, error: str) -> None:
        """Publish that an event's handlers are done."""
        ms = round((time.time() - cause.envelope.received_at) * 1000, 1)
        handlers = tuple(cause.handlers)
        self._publish(
            cause.envelope,
            0,
            lambda: records.encode(records.Ended(failed_id(cause.envelope), ms, error, handlers)),
        )

    def ran(
        self, cause: Cause, registration: Registration, began: float, error: BaseException | None
    ) -> None:
        """Note that a handler has ended; ``began`` is in seconds of the performance counter.

        nescord's own handler for discord.py is left out: discord.py's listeners are noted one by one.
        """
        ms = round((time.perf_counter() - began) * 1000, 1)
        if error is None and is_own(registration.place):
            return
        if error is not None:
            run = failed_run(registration.name, error, place=registration.place, ms=ms)
        else:
            run = HandlerRun(registration.name, within(registration.place), ms)
        cause.handlers.append(run)

    def _record_call(self, cause: Cause, call: Call) -> None:
        self._publish(
            cause.envelope,
            len(call.body),
            lambda: records.encode(records.called(cause.envelope, call)),
            is_call=True,
        )

    def _publish(
        self, envelope: Envelope, size: int, line: Callable[[], bytes], *, is_call: bool = False
    ) -> None:
        if self._recent is not None:
            self._recent.put(line())
        for subscriber, _ in self._subscribers.values():
            if subscriber.wanted.takes(envelope) and (subscriber.wanted.calls or not is_call):
                subscriber.put(size + _LINE_OVERHEAD, line)

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(_POLL_INTERVAL)
            self._find_readers()
            for envelope in self._failed():
                self._accept(envelope, ReplayedDelivery(recorded=True))

    def _find_readers(self) -> None:
        with suppress(OSError):
            for path in self._markers.glob("*.json"):
                marker = None if path in self._subscribers else marker_of(path)
                if marker is not None:
                    subscriber = Subscriber(marker, self._hello, self._handle)
                    self._subscribers[path] = (
                        subscriber,
                        self._tasks.create_task(self._serve(path, subscriber)),
                    )
        self._update_flags()

    def _handle(self, replay: records.ReplayRequest) -> None:
        if not self._has_left:  # otherwise the sender passes it to the next process
            self._accept(replay.envelope(), ReplayedDelivery(replay.rest_url, recorded=False))

    async def _serve(self, path: Path, subscriber: Subscriber) -> None:
        try:
            await subscriber.run()
        except (OSError, TimeoutError):
            _remove(path, Path(subscriber.socket))  # its reader was killed and could not clean up
        finally:
            self._subscribers.pop(path, None)
            self._update_flags()

    def _update_flags(self) -> None:
        self.active = bool(self._subscribers) or self._recent is not None
        self.traced = self.traced or self.active


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
