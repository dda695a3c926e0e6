"""Runs a listener: takes events from ws, calls the handlers, and says what is done."""

from __future__ import annotations

import asyncio
import inspect
import logging
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, NamedTuple, Self

from nescord_core import logs
from nescord_core.bot.commands import ANSWERS
from nescord_core.bot.listener import WsListener
from nescord_core.bot.ordering import EventOrder
from nescord_core.bot.registration import Registration, Route
from nescord_core.dispatch.receiver import Delivery, Receiver, ReceiverStats
from nescord_core.envelope import Envelope
from nescord_core.failed_log import CRASHED, RAISED, FailedLog, ReplayQueue, failed_id
from nescord_core.payloads import View, payload_of
from nescord_core.settings import MainSettings

__all__ = ["DrainReport", "Runtime", "RuntimeStats", "leave_at_signal", "run", "serve"]

log = logging.getLogger(__name__)

_TOLD_AFTER = 0.02
_CANCEL_GRACE = 1.0
_REPLAYS_EVERY = 0.5
_SHOWN_FRAMES = 8
_FAILURES = (Exception, SystemExit)
"""A handler that calls sys.exit must not end the process: the event would come again and end the next one."""


class RuntimeStats(NamedTuple):
    """Counts since the start; ``running`` and ``waiting`` are events at this moment.

    ``handled`` are events whose handlers have all ended, ``failed`` handlers that raised, ``failures`` those
    by handler. ``returned`` are events that were given back unfinished when this process left.
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
    """How a process left: what it handled, what it gave back before a handler started, whom it cut short."""

    handled: int
    failed: int
    returned: int
    cut_short: tuple[str, ...]
    seconds: float


@dataclass(slots=True, eq=False)
class _Run:
    """One event whose handlers run, or wait to."""

    delivery: Delivery
    route: Route
    left: int = 0
    given_back: bool = False
    failed: bool = False
    tasks: list[asyncio.Task[None]] = field(default_factory=list)


class Runtime:
    """A listener at work, from ``async with`` on: hooks have run, the port is open, events come in.

    Leaving the context drains first, unless `drain` was called or an error is on its way out.
    """

    def __init__(
        self, listener: WsListener, settings: MainSettings, *, replica: str = "0", generation: int = 1
    ) -> None:
        self.port = 0
        self._listener = listener
        self._settings = settings
        self._receiver = Receiver(
            settings,
            replica=replica,
            generation=generation,
            accept=self._accept,
            picture=listener.picture,
            set_aside=self._set_aside,
        )
        self._failed_log = FailedLog(settings.state_dir)
        self._replays = ReplayQueue(settings.state_dir)
        self._order: EventOrder[_Run] = EventOrder(settings.concurrency)
        self._running: set[_Run] = set()
        self._received = self._handled = self._returned = 0
        self._failures: Counter[str] = Counter()
        self._tasks = asyncio.TaskGroup()
        self._stack = AsyncExitStack()
        self._report: DrainReport | None = None
        self._is_leaving = False

    async def __aenter__(self) -> Self:
        await _call_hooks(self._listener.start_hooks)
        async with AsyncExitStack() as stack:
            stack.push_async_callback(_call_hooks, self._listener.drain_hooks)
            # Left without the error, if there is one: a task group would wrap it, and it has nothing to do
            # with the tasks.
            await self._tasks.__aenter__()
            stack.push_async_callback(self._tasks.__aexit__, None, None, None)
            await self._receiver.__aenter__()
            stack.push_async_callback(self._receiver.__aexit__, None, None, None)
            self._listener.gateway.connect(self._receiver.command)
            stack.callback(self._listener.gateway.disconnect)
            stack.callback(self._failed_log.close)
            self.port = await self._receiver.listen()
            replaying = self._tasks.create_task(self._replay_regularly())
            stack.callback(replaying.cancel)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self.drain()
        finally:
            self._cut_short()
            await self._stack.aclose()

    def stats(self) -> RuntimeStats:
        """Return the counts."""
        return RuntimeStats(
            received=self._received,
            handled=self._handled,
            failed=self._failures.total(),
            failures=dict(self._failures),
            running=len(self._running),
            waiting=self._order.waiting,
            returned=self._returned,
            receiver=self._receiver.stats(),
        )

    async def drain(self) -> DrainReport:
        """Take no more events, finish what has begun within ``drain_timeout``, give the rest back."""
        if self._report is not None:
            return self._report
        began = time.monotonic()
        self._is_leaving = True
        async with asyncio.TaskGroup() as leaving:
            draining = leaving.create_task(self._receiver.drain(self._settings.drain_timeout))
            # By now ws was told; an event given back before that might be sent here once more.
            await asyncio.sleep(_TOLD_AFTER)
            self._give_back_waiting()
            await _call_hooks(self._listener.leave_hooks)
            await draining
        cut_short = self._cut_short()
        if cut_short:
            log.warning("cut short after %g s: %s", self._settings.drain_timeout, ", ".join(cut_short))
            await self._wait_for_cancelled()
        self._report = DrainReport(
            handled=self._handled,
            failed=self._failures.total(),
            returned=self._returned,
            cut_short=cut_short,
            seconds=time.monotonic() - began,
        )
        return self._report

    def _accept(self, delivery: Delivery) -> None:
        """Take in one event. Called for every event, by the receiver, in order."""
        envelope = delivery.envelope
        self._received += 1
        if envelope.type in ANSWERS:
            # Before any queue: whoever waits for this may hold the last slot.
            self._listener.gateway.answer(payload_of(envelope, time.time()))
        route = self._listener.route(envelope.type)
        if not route.registrations:
            self._handled += 1
            self._done(delivery)
            return
        run = _Run(delivery, route)
        if self._order.arrive(run, envelope.key, exclusive=route.exclusive, slots=route.slots):
            self._start(run)

    def _start(self, run: _Run) -> None:
        """Start all handlers of an event.

        A new task and a plain callback both join the end of the loop's queue, so that handlers begin in the
        order in which they were started, whatever their kind.
        """
        payload = payload_of(run.delivery.envelope, time.time())
        run.left = len(run.route.registrations)
        self._running.add(run)
        loop = asyncio.get_running_loop()
        for registration in run.route.registrations:
            if registration.is_async:
                run.tasks.append(self._tasks.create_task(self._await(registration, run, payload)))
            else:
                loop.call_soon(self._call, registration, run, payload)

    async def _await(self, registration: Registration, run: _Run, payload: View) -> None:
        try:
            if registration.wants_event:
                await registration.function(payload, payload.event)
            else:
                await registration.function(payload)
        except _FAILURES as error:
            self._failed(registration, run, error)
        finally:
            self._part_ended(run)

    def _call(self, registration: Registration, run: _Run, payload: View) -> None:
        try:
            if registration.wants_event:
                result = registration.function(payload, payload.event)
            else:
                result = registration.function(payload)
            if result is not None and inspect.isawaitable(result):
                # A plain function that returns a coroutine: a lambda, or something wrapped by a decorator.
                run.left += 1
                run.tasks.append(self._tasks.create_task(self._await_result(registration, run, result)))
        except _FAILURES as error:
            self._failed(registration, run, error)
        finally:
            self._part_ended(run)

    async def _await_result(self, registration: Registration, run: _Run, result: Any) -> None:
        try:
            await result
        except _FAILURES as error:
            self._failed(registration, run, error)
        finally:
            self._part_ended(run)

    def _part_ended(self, run: _Run) -> None:
        run.left -= 1
        if run.left or run.given_back:
            return
        self._running.discard(run)
        self._handled += 1
        self._done(run.delivery, failed=run.failed)
        self._release(run)

    def _done(self, delivery: Delivery, *, failed: bool = False) -> None:
        if delivery.stream is not None:
            self._receiver.done(delivery)
        elif not failed:
            self._failed_log.replayed(delivery.envelope)

    def _set_aside(self, envelope: Envelope) -> None:
        self._failed_log.record(envelope, CRASHED, error="three processes died with it in flight")
        log.error(
            "%s %s was in flight when three processes died: set aside; see `nescord events failed`",
            envelope.type,
            failed_id(envelope),
        )

    async def _replay_regularly(self) -> None:
        """Take up the events that somebody wants to be handled again."""
        while not self._is_leaving:
            for failed in self._replays.take():
                envelope = failed.envelope()
                if envelope is not None:
                    log.info("%s %s is handled again, as asked for", envelope.type, failed.id)
                    self._accept(Delivery(envelope, 0, None))
            await asyncio.sleep(_REPLAYS_EVERY)

    def _release(self, run: _Run) -> None:
        key, route = run.delivery.envelope.key, run.route
        for following in self._order.ended(key, exclusive=route.exclusive, slots=route.slots):
            self._start(following)

    def _failed(self, registration: Registration, run: _Run, error: BaseException) -> None:
        """Log what went wrong; the event counts as done, since trying again would most likely fail again."""
        self._failures[registration.name] += 1
        run.failed = True
        envelope = run.delivery.envelope
        # The first frame is this module's own.
        trace = error.__traceback__.tb_next if error.__traceback__ else None
        lines = traceback.format_exception(type(error), error, trace, limit=-_SHOWN_FRAMES)
        self._failed_log.record(
            envelope,
            RAISED,
            handler=f"{registration.name} ({registration.place})",
            error=lines[-1].strip(),
            traceback="".join(lines),
        )
        log.error(
            "%s (%s) failed on %s of shard %d, session %s, seq %d, guild %d%s\n%s",
            registration.name,
            registration.place,
            envelope.type,
            envelope.shard_id,
            envelope.session_id,
            envelope.seq,
            envelope.guild_id,
            ", redelivered" if envelope.redelivered else "",
            "".join(lines).rstrip(),
        )

    def _give_back_waiting(self) -> None:
        for run in self._order.withdraw():
            self._hand_back(run.delivery, started=False)

    def _hand_back(self, delivery: Delivery, *, started: bool) -> None:
        if delivery.stream is None:
            return  # it is still recorded as failed
        self._returned += 1
        self._receiver.handed_back(delivery, started=started)

    def _cut_short(self) -> tuple[str, ...]:
        """Cancel what still runs and give its events back; returns the names of the handlers."""
        self._give_back_waiting()
        names: dict[str, None] = {}
        for run in [each for each in self._running if not each.given_back]:
            run.given_back = True
            self._hand_back(run.delivery, started=True)
            names.update(dict.fromkeys(each.name for each in run.route.registrations if each.is_async))
            for task in run.tasks:
                task.cancel("this process leaves")
        return tuple(names)

    async def _wait_for_cancelled(self) -> None:
        tasks = [task for run in self._running for task in run.tasks if not task.done()]
        if tasks and (await asyncio.wait(tasks, timeout=_CANCEL_GRACE))[1]:
            log.warning("a handler does not end though it was cancelled; this process waits for it")


async def serve(
    listener: WsListener,
    settings: MainSettings,
    *,
    replica: str = "0",
    generation: int = 1,
    on_ready: Callable[[], None],
    drain: asyncio.Event,
) -> DrainReport:
    """Run a listener until ``drain`` is set; ``on_ready`` is called once events can come.

    Several workers have one ``replica`` name each; ``generation`` grows with every reload of a replica.
    Raises PortTaken, and whatever a start hook raises.
    """
    async with Runtime(listener, settings, replica=replica, generation=generation) as runtime:
        on_ready()
        await drain.wait()
        return await runtime.drain()


def run(listener: WsListener, settings: MainSettings) -> DrainReport:
    """Run a listener in this process until SIGTERM, SIGINT or SIGHUP; a second signal ends it at once."""
    if not logging.getLogger().handlers:
        # A program that configured logging itself keeps what it set.
        logs.configure("main", secrets=(settings.token, settings.security.secret))
    return asyncio.run(_until_signal(listener, settings))


async def _until_signal(listener: WsListener, settings: MainSettings) -> DrainReport:
    drain = asyncio.Event()
    leave_at_signal(drain)
    where = f"{settings.listen_host}:{settings.listen_port}"
    try:
        report = await serve(
            listener, settings, on_ready=lambda: log.info("main listens on %s", where), drain=drain
        )
    finally:
        # Only a bot that uses RestClient has imported it.
        client = sys.modules.get("nescord_core.rest.client")
        if client is not None:
            await client.close_all()
    log.info("left after %d events, %d given back", report.handled, report.returned)
    return report


def leave_at_signal(drain: asyncio.Event) -> None:
    """Set the event at SIGTERM, SIGINT or SIGHUP; a second signal does what it does without this."""
    loop = asyncio.get_running_loop()
    signals = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)

    def leave() -> None:
        drain.set()
        for each in signals:
            loop.remove_signal_handler(each)

    for each in signals:
        loop.add_signal_handler(each, leave)


async def _call_hooks(hooks: Iterable[Callable[[], Any]]) -> None:
    for hook in hooks:
        result = hook()
        if inspect.isawaitable(result):
            await result
