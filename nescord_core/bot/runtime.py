"""Runs a listener: accepts events from ws, calls the handlers, and reports finished events."""

from __future__ import annotations

import asyncio
import inspect
import logging
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, NamedTuple, Self

from nescord_core.bot.drain_notice import DrainNotice, by_name
from nescord_core.bot.failures import Failures
from nescord_core.bot.gateway.client import ANSWERS
from nescord_core.bot.handlers import EventHandlers
from nescord_core.bot.observing.observers import Observers, ReplayedDelivery
from nescord_core.bot.ordering import EventOrder
from nescord_core.bot.registration import Registration, Route
from nescord_core.bot.stuck_handlers import report_stuck
from nescord_core.dispatch.receiver.intake import Delivery
from nescord_core.dispatch.receiver.receiver import Receiver, ReceiverStats
from nescord_core.payloads import View, payload_of
from nescord_core.settings import MainSettings
from nescord_core.tracing import spans
from nescord_core.tracing.cause import Cause
from nescord_core.tracing.cause import cause as current_cause
from nescord_core.tracing.current_event import handled
from nescord_core.tracing.records import Hello

__all__ = ["DrainReport", "Runtime", "RuntimeStats"]

log = logging.getLogger(__name__)

_DRAIN_NOTICE_DELAY = 0.02
_CANCEL_GRACE = 1.0
_FAILURES = (Exception, SystemExit)
"""A handler that calls sys.exit must not end the process: the redelivered event would end the next one."""


class RuntimeStats(NamedTuple):
    """Counts since the start; ``running`` and ``waiting`` are current numbers of events.

    ``handled`` counts events whose handlers have all ended, ``failed`` handlers that raised, ``failures`` the
    same by handler, and ``returned`` the events that a drain handed back unfinished.
    """

    received: int
    handled: int
    failed: int
    failures: dict[str, int]
    running: int
    waiting: int
    returned: int
    receiver: ReceiverStats


@dataclass(frozen=True, slots=True)
class DrainReport:
    """The outcome of a drain; ``returned`` events were handed back, ``cut_short`` handlers cancelled."""

    handled: int
    failed: int
    returned: int
    cut_short: tuple[str, ...]
    seconds: float


@dataclass(slots=True, eq=False)
class _Run:
    """One event whose handlers run or wait; ``started`` once the first handler has taken its first step."""

    delivery: Delivery
    route: Route
    started: bool
    number: int = 0
    started_at: float = 0.0
    payload: View = field(init=False)
    remaining: int = 0
    handed_back: bool = False
    error: str = ""
    cause: Cause | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    paused: list[Callable[[], object]] = field(default_factory=list)


class Runtime:
    """A running listener. ``async with`` runs the start hooks, opens the port and accepts events.

    Leaving the context drains first, unless `drain` was called or an error propagates.
    """

    def __init__(
        self,
        listener: EventHandlers,
        settings: MainSettings,
        *,
        replica: str = "0",
        generation: int = 1,
        keep_recent: bool = False,
    ) -> None:
        self.port = 0
        self._listener = listener
        self._settings = settings
        self._failures = Failures(settings.state_dir, quotes=keep_recent)
        self._receiver = Receiver(
            settings,
            replica=replica,
            generation=generation,
            accept=self._accept,
            picture=listener.picture,
            set_aside=self._failures.set_aside,
            withdraw=self._withdraw,
            waiting=lambda timeout: self._notice.begin(self._tasks, timeout),
        )
        self._notice = DrainNotice(self._names)
        self._observers = Observers(
            settings.state_dir,
            lambda envelope, replay: self._accept(Delivery(envelope, 0, replay)),
            self._failures.replays,
            hello=Hello(replica, generation, os.getpid()),
            keep_recent=keep_recent,
        )
        self._order: EventOrder[_Run] = EventOrder(settings.concurrency)
        self._running: set[_Run] = set()
        self._started = self._received = self._handled = self._returned = 0
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._report: DrainReport | None = None

    async def __aenter__(self) -> Self:
        await _call_hooks(self._listener.start_hooks)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_call_hooks, self._listener.drain_hooks)
            # Exited without the error, if there is one: a task group would wrap it, though it is not from its
            # tasks.
            await self._tasks.__aenter__()
            stack.push_async_callback(self._tasks.__aexit__, None, None, None)
            await self._receiver.__aenter__()
            stack.push_async_callback(self._receiver.__aexit__, None, None, None)
            self._listener.gateway.connect(self._receiver.command)
            stack.callback(self._listener.gateway.disconnect)
            stack.callback(self._failures.close)
            await stack.enter_async_context(self._observers)
            self.port = await self._receiver.listen()
            reporting = self._tasks.create_task(report_stuck(self._running, self._settings.stuck_after))
            stack.callback(reporting.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.drain()
        finally:
            self._notice.end()
            self._cancel_running()
            await self._stack.aclose()

    def stats(self) -> RuntimeStats:
        """Return the current counts."""
        return RuntimeStats(
            received=self._received,
            handled=self._handled,
            failed=self._failures.by_handler.total(),
            failures=dict(self._failures.by_handler),
            running=len(self._running),
            waiting=self._order.waiting,
            returned=self._returned,
            receiver=self._receiver.stats(),
        )

    async def drain(self) -> DrainReport:
        """Stop accepting events, finish running handlers within ``drain_timeout``, hand the rest back."""
        if self._report is not None:
            return self._report
        began = time.monotonic()
        self._observers.leave()
        async with asyncio.TaskGroup() as leaving:
            draining = leaving.create_task(self._receiver.drain(self._settings.drain_timeout))
            # By now ws knows of the drain; events handed back earlier might be sent here again.
            await asyncio.sleep(_DRAIN_NOTICE_DELAY)
            self._hand_back_waiting()
            await _call_hooks(self._listener.leave_hooks)
            self._notice.end()  # ws may have begun one
            self._notice.begin(leaving, self._settings.drain_timeout)
            await draining
            self._notice.end()
        names = self._names()
        cut_short = self._cancel_running()
        if cut_short:
            log.warning("cut short after %g s: %s", self._settings.drain_timeout, by_name(names or cut_short))
            await self._wait_for_cancelled()
        self._report = DrainReport(
            handled=self._handled,
            failed=self._failures.by_handler.total(),
            returned=self._returned,
            cut_short=cut_short,
            seconds=time.monotonic() - began,
        )
        return self._report

    def _names(self) -> list[str]:
        if self._listener.running is not None:
            return self._listener.running()
        runs = [run for run in self._running if not run.handed_back]
        return [each.name for run in runs for each in run.route.registrations if each.is_async]

    def _accept(self, delivery: Delivery) -> None:
        """Process one event. The receiver calls this for every event, in order."""
        envelope = delivery.envelope
        self._received += 1
        if envelope.type in ANSWERS:
            # Before any queue: the handler that waits for this may hold the last slot.
            self._listener.gateway.answer(payload_of(envelope, time.time()))
        replay = _replay_of(delivery)
        cause = self._observers.received(envelope, replay) if self._observers.active else None
        route = self._listener.route(envelope.type)
        run = _Run(delivery, route, started=replay is not None, cause=cause)
        if not route.registrations:
            self._handled += 1
            self._done(run)
            return
        if self._order.arrive(run, envelope.key, exclusive=route.exclusive, slots=route.slots):
            self._start(run)

    def _start(self, run: _Run) -> None:
        """Start all handlers of an event.

        A new task and a plain callback both join the end of the loop's queue, so handlers start in the order
        in which they were scheduled, whatever their kind.
        """
        run.payload = payload_of(run.delivery.envelope, time.time())
        self._started += 1
        run.number = self._started
        run.remaining = len(run.route.registrations)
        self._running.add(run)
        if _replay_of(run.delivery) is None:
            self._receiver.mark_started(run.delivery)
        loop = asyncio.get_running_loop()
        run.started_at = loop.time()
        for registration in run.route.registrations:
            if registration.is_async:
                run.tasks.append(self._tasks.create_task(self._await(registration, run)))
            else:
                loop.call_soon(self._call, registration, run)

    async def _await(self, registration: Registration, run: _Run) -> None:
        self._set_cause(run)
        with self._observed(registration, run):
            while not _may_run(run):
                confirmed = asyncio.get_running_loop().create_future()
                self._when_sure(run, partial(confirmed.set_result, None))
                await confirmed
            handled.set(run.payload)
            await registration.call(run.payload)

    def _call(self, registration: Registration, run: _Run) -> None:
        if run.handed_back:
            return
        if not _may_run(run):
            self._when_sure(run, partial(asyncio.get_running_loop().call_soon, self._call, registration, run))
            return
        self._set_cause(run)
        handled.set(run.payload)
        with self._observed(registration, run):
            result = registration.call(run.payload)
            if result is not None and inspect.isawaitable(result):
                # A plain function that returned a coroutine: a lambda, or a decorated function.
                run.remaining += 1
                run.tasks.append(self._tasks.create_task(self._await_result(registration, run, result)))

    async def _await_result(self, registration: Registration, run: _Run, result: Any) -> None:
        with self._observed(registration, run):
            await result

    @contextmanager
    def _observed(self, registration: Registration, run: _Run) -> Iterator[None]:
        """Count a handler as ended when the block ends, and report what it raised."""
        began, failure = time.perf_counter(), None
        try:
            with _span(registration, run):
                yield
        except _FAILURES as error:
            failure = error
            self._failed(registration, run, error)
        finally:
            if run.cause is not None:
                self._observers.ran(run.cause, registration, began, failure)
            self._handler_ended(run)

    def _when_sure(self, run: _Run, resume: Callable[[], object]) -> None:
        """Pause a handler until ws confirms that we still have the event; too late, it is marked."""
        run.paused.append(resume)
        if len(run.paused) == 1:
            self._receiver.unmark_started(run.delivery)
            run.delivery.stream.when_sure(run.number, partial(self._resume, run))

    def _resume(self, run: _Run, marked: bool) -> None:
        envelope = run.delivery.envelope
        if marked:
            envelope = envelope._replace(redelivered=True)
        run.payload = payload_of(envelope, time.time())
        self._receiver.mark_started(run.delivery)
        paused, run.paused = run.paused, []
        for resume in paused:
            resume()

    def _set_cause(self, run: _Run) -> None:
        """Set the cause of what follows in this context, which began as a copy of the previous event's."""
        if self._observers.traced:
            current_cause.set(run.cause)

    def _handler_ended(self, run: _Run) -> None:
        run.remaining -= 1
        if run.remaining or run.handed_back:
            return
        self._running.discard(run)
        self._handled += 1
        self._done(run)
        self._release(run)

    def _done(self, run: _Run) -> None:
        replay = _replay_of(run.delivery)
        if replay is None:
            self._receiver.done(run.delivery)
        elif replay.recorded and not run.error:
            self._failures.replayed(run.delivery.envelope)
        if run.cause is not None:
            self._observers.ended(run.cause, run.error)

    def _release(self, run: _Run) -> None:
        key, route = run.delivery.envelope.key, run.route
        for following in self._order.ended(key, exclusive=route.exclusive, slots=route.slots):
            self._start(following)

    def _failed(self, registration: Registration, run: _Run, error: BaseException) -> None:
        replay = _replay_of(run.delivery)
        recorded = replay is None or replay.recorded
        run.error = self._failures.raised(registration, run.delivery.envelope, error, recorded=recorded)

    def _withdraw(self, stream: object) -> list[Delivery]:
        """Give up a lost stream's events that have not started; ws sends them again, to any replica."""
        unstarted = self._order.withdraw(lambda run: run.delivery.stream is stream)
        stopped = [run for run in self._running if run.delivery.stream is stream and not run.started]
        for run in stopped:
            run.handed_back = True
            self._running.discard(run)
            for task in run.tasks:
                task.cancel("the stream of its event is lost")
        for run in stopped:
            self._release(run)
        return [run.delivery for run in (*unstarted, *stopped)]

    def _hand_back_waiting(self) -> None:
        for run in self._order.withdraw():
            self._hand_back(run.delivery, started=False)

    def _hand_back(self, delivery: Delivery, *, started: bool) -> None:
        if _replay_of(delivery) is not None:
            return  # the requester of a replay knows that it is unfinished
        self._returned += 1
        self._receiver.handed_back(delivery, started=started)

    def _cancel_running(self) -> tuple[str, ...]:
        """Cancel running handlers and hand their events back; return the handlers' names."""
        self._hand_back_waiting()
        names: dict[str, None] = {}
        for run in [each for each in self._running if not each.handed_back]:
            run.handed_back = True
            self._hand_back(run.delivery, started=run.started)
            if not run.started and run.delivery.stream is not None:
                run.delivery.stream.forget(run.number)
            names.update(dict.fromkeys(each.name for each in run.route.registrations if each.is_async))
            for task in run.tasks:
                task.cancel("this process is shutting down")
        return tuple(names)

    async def _wait_for_cancelled(self) -> None:
        tasks = [task for run in self._running for task in run.tasks if not task.done()]
        if tasks and (await asyncio.wait(tasks, timeout=_CANCEL_GRACE))[1]:
            log.warning("a handler ignores its cancellation; this process waits for it")


def _replay_of(delivery: Delivery) -> ReplayedDelivery | None:
    """Return the replay that an event comes from, None for one from ws."""
    return delivery.stream if type(delivery.stream) is ReplayedDelivery else None


def _may_run(run: _Run) -> bool:
    """Return whether a handler may take its first step: a process that was frozen may have lost the event."""
    if not run.started:
        run.started = run.delivery.stream.may_begin(run.number)
    return run.started


def _span(registration: Registration, run: _Run) -> AbstractContextManager[spans.Span]:
    """Record a handler, if this process records spans."""
    if spans.active is None:
        return spans.NO_SPAN
    parent = 0 if _replay_of(run.delivery) else run.delivery.stream.spans.get(run.delivery.number, 0)
    return spans.active.handling(run.delivery.envelope, parent, registration.name)


async def _call_hooks(hooks: Iterable[Callable[[], Any]]) -> None:
    for hook in hooks:
        result = hook()
        if inspect.isawaitable(result):
            await result
