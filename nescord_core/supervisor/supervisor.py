"""Runs a plan of services: starts them in dependency order, restarts them, stops them in reverse order.

One loop reads facts from one inbox and carries out the effects that the rules return (`lifecycle`,
`start_and_stop_order`). Anything that takes time is a child task that reports into the inbox.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Protocol

import aiohttp

from nescord_core.errors import NescordError, ServiceFailed
from nescord_core.process.descriptors import SHORTAGE, is_shortage
from nescord_core.process.os_errors import reason_of
from nescord_core.supervisor import start_and_stop_order
from nescord_core.supervisor.lifecycle import (
    OVER,
    Cleared,
    Effect,
    Exited,
    Fact,
    KillNow,
    Lifecycle,
    NotStarted,
    Probed,
    Reading,
    Report,
    RestartRequested,
    SignalGroup,
    Spawn,
    State,
    StopRequested,
    Timer,
)
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.parent_death import ParentDeathPipe
from nescord_core.supervisor.probe import poll
from nescord_core.supervisor.process import ServiceProcess
from nescord_core.supervisor.restart import GiveUp
from nescord_core.supervisor.spec import ServiceSpec

__all__ = ["Outcome", "ServiceView", "Supervisor"]

IDLE = frozenset({State.WAITING, State.BACKOFF})
LAST_LINES = 12
ERROR = "Error: "
"""Begins the paragraph of an error that a service ends with."""
NOT_FOUND = 127
"""A shell's exit code for an unknown command."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """Result of a run. ``failure`` is set when a service was given up."""

    exit_code: int
    failure: ServiceFailed | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """Public status of a service; ``start_ms`` is the time from its start until it was first ready."""

    name: str
    state: State
    pid: int | None
    address: str
    uptime_s: float | None
    restarts: int
    start_ms: float | None
    task: bool = False


class OnChange(Protocol):
    """Callback for changes of state."""

    def __call__(self, views: list[ServiceView], /, *, stopping: bool) -> None:
        """Receive the views of all services, and whether all of them are stopping."""


@dataclass(frozen=True, slots=True)
class _RunContext:
    """Resources of one run, needed to carry out effects."""

    tasks: asyncio.TaskGroup
    session: aiohttp.ClientSession
    death_pipe: ParentDeathPipe


class Supervisor:
    """Runs services until a stop is requested, a critical one is given up, or a task among them ends.

    ``on_change`` is called after each change of state. ``clock`` is monotonic; ``chance`` returns numbers in
    [0, 1).
    """

    def __init__(
        self,
        specs: Iterable[ServiceSpec],
        *,
        output: Output,
        on_change: OnChange = lambda _, **__: None,
        clock: Callable[[], float] = time.monotonic,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._plan = start_and_stop_order.check(specs)
        self._stop_after = start_and_stop_order.stop_after(self._plan)
        self._lifecycles = {name: Lifecycle(spec) for name, spec in self._plan.items()}
        self._output = output
        self._on_change = on_change
        self._clock = clock
        self._chance = chance
        self._inbox: asyncio.Queue[tuple[str, Fact] | None] = asyncio.Queue()
        self._processes: dict[str, ServiceProcess] = {}
        self._pending_signals: dict[str, SignalGroup] = {}
        self._stop_sent: set[str] = set()
        self._stopping = False
        self._stop_began: float | None = None
        self._restarting: set[str] = set()
        """Services that are yet to be stopped for a restart of all."""
        self._stopping_since: dict[str, float] = {}
        self._outcome = Outcome(0)

    async def run(self) -> Outcome:
        """Run the plan to its end; every child is reaped when this returns."""
        death_pipe = ParentDeathPipe.open()
        try:
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
                await self._run_loop(_RunContext(tasks, session, death_pipe))
        finally:
            for process in self._processes.values():
                process.kill_group()
            death_pipe.close()
        return self._outcome

    def request_stop(self) -> None:
        """Stop everything in order; may be called from a signal callback, and more than once.

        A task that is interrupted this way has failed: the exit code is 1.
        """
        if any(life.spec.task and life.state not in OVER for life in self._lifecycles.values()):
            self._outcome = Outcome(1)
        self._begin_stop()

    @property
    def stopped_in(self) -> float:
        """Seconds since the stop began; 0 before it."""
        return 0.0 if self._stop_began is None else self._clock() - self._stop_began

    def _begin_stop(self) -> None:
        self._stopping = True
        if self._stop_began is None:
            self._stop_began = self._clock()
        self._inbox.put_nowait(None)

    def kill_now(self) -> None:
        """Kill everything at once."""
        self._begin_stop()
        for name in self._plan:
            self._inbox.put_nowait((name, KillNow()))

    def restart(self, name: str) -> None:
        """Restart one service.

        Raises:
            NescordError: there is no such service, or everything is stopping.

        """
        if name not in self._plan:
            raise NescordError(f"there is no service {name!r} here; there are {', '.join(self._plan)}.")
        if self._stopping:
            raise NescordError(f"cannot restart {name}: all services are stopping.")
        self._inbox.put_nowait((name, RestartRequested()))

    def restart_all(self) -> None:
        """Stop all services in order, then start them in order; tasks are left alone.

        Raises:
            NescordError: everything is stopping.

        """
        if self._stopping:
            raise NescordError("cannot restart: all services are stopping.")
        self._restarting = {name for name, spec in self._plan.items() if not spec.task}
        self._inbox.put_nowait(None)

    def replan(self, specs: Iterable[ServiceSpec]) -> None:
        """Replace the specs of the same services; each applies from the service's next start.

        Raises:
            NescordError: the set of services differs.

        """
        plan = start_and_stop_order.check(specs)
        if plan.keys() != self._plan.keys():
            raise NescordError("the set of services has changed in the configuration; restart nescord dev.")
        for name, spec in plan.items():
            self._lifecycles[name].spec = spec

    def views(self) -> list[ServiceView]:
        """Return the current view of every service."""
        return [self._view(name, life) for name, life in self._lifecycles.items()]

    def _view(self, name: str, life: Lifecycle) -> ServiceView:
        process = self._processes.get(name)
        took = None if life.ready_at is None else round((life.ready_at - life.started_at) * 1000, 1)
        return ServiceView(
            name=name,
            state=life.state,
            pid=process.pid if process else None,
            address=life.spec.address,
            uptime_s=self._clock() - life.started_at if process else None,
            restarts=life.restarts,
            start_ms=took,
            task=life.spec.task,
        )

    async def _run_loop(self, context: _RunContext) -> None:
        self._advance(context)
        while any(life.state not in OVER for life in self._lifecycles.values()):
            item = await self._inbox.get()
            if item is not None:
                self._apply(context, *item)
            self._advance(context)

    def _advance(self, context: _RunContext) -> None:
        """Start or stop every service whose dependencies allow it; each may allow others in turn."""
        while due := list(self._due()):
            for name, fact in due:
                self._apply(context, name, fact)

    def _due(self) -> Iterable[tuple[str, Fact]]:
        if not self._stopping and self._restarting:
            yield from self._due_to_restart()
            return
        for name, life in self._lifecycles.items():
            if not self._stopping:
                if life.state is State.WAITING and self._are_ready(life.spec.depends_on):
                    yield name, Cleared()
            elif name not in self._stop_sent and self._may_stop(life):
                self._stop_sent.add(name)
                yield name, StopRequested()

    def _due_to_restart(self) -> Iterable[tuple[str, Fact]]:
        """Stop what may stop now; nothing starts before everything waits."""
        down = OVER | {State.WAITING}
        for name in [name for name in self._plan if name in self._restarting]:
            life = self._lifecycles[name]
            if all(self._lifecycles[other].state in down for other in self._stop_after[name]):
                if life.state in {State.WAITING, State.STOPPED}:
                    self._restarting.discard(name)
                elif life.state is not State.STOPPING:
                    yield name, RestartRequested(in_order=True)

    def _may_stop(self, life: Lifecycle) -> bool:
        if life.state in OVER:
            return False
        return life.state in IDLE or self._are_over(self._stop_after[life.spec.name])

    def _are_over(self, names: Iterable[str]) -> bool:
        return all(self._lifecycles[name].state in OVER for name in names)

    def _are_ready(self, names: Iterable[str]) -> bool:
        return all(self._lifecycles[name].state is State.READY for name in names)

    def _apply(self, context: _RunContext, name: str, fact: Fact) -> None:
        life = self._lifecycles[name]
        if self._stopping and isinstance(fact, RestartRequested):
            return
        if isinstance(fact, Exited) and fact.run == life.run:
            self._processes.pop(name, None)
        for effect in life.apply(fact, now=self._clock(), jitter=self._chance()):
            self._perform(context, life, effect)
        if life.state in OVER and not self._stopping:
            self._end_run_with(life)

    def _perform(self, context: _RunContext, life: Lifecycle, effect: Effect) -> None:
        name = life.spec.name
        match effect:
            case Spawn(run):
                self._pending_signals.pop(name, None)
                self._output.begin(name)
                context.tasks.create_task(self._run_process(context, life.spec, run))
            case SignalGroup(kill):
                if kill and self._stopping:
                    self._outcome = replace(self._outcome, exit_code=self._outcome.exit_code or 1)
                self._signal(name, effect)
            case Timer(delay, fact):
                asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, (name, fact))
            case Report():
                self._report(life, effect)

    def _end_run_with(self, life: Lifecycle) -> None:
        """End the run if the service, which ended without a stop request, is a task or critical."""
        if life.spec.task:
            self._outcome = Outcome(life.exit_code or 0)
        elif life.given_up is not None and life.spec.critical:
            self._outcome = Outcome(life.given_up.exit_code, self._failure(life.spec.name, life.given_up))
        else:
            return
        self._begin_stop()

    def _failure(self, name: str, given_up: GiveUp) -> ServiceFailed:
        lines = _error_lines(self._output.last_errors(name, LAST_LINES))
        if lines and lines[0].startswith(ERROR):
            return ServiceFailed(name, " ".join(lines).removeprefix(ERROR))
        shown = "".join(f"\n    {line}" for line in lines)
        return ServiceFailed(name, f"it {given_up.reason}." + (f" Its last output:{shown}" if shown else ""))

    def _signal(self, name: str, signal: SignalGroup) -> None:
        process = self._processes.get(name)
        if process is None:
            self._pending_signals[name] = signal  # `_run_process` sends it once the process exists
        elif signal.kill:
            process.kill_group()
        else:
            process.terminate()

    async def _run_process(self, context: _RunContext, spec: ServiceSpec, run: int) -> None:
        """Run one process from its start to its exit."""
        sink = partial(self._output.line, spec.name)
        try:
            process = await ServiceProcess.start(
                spec, death_pipe=context.death_pipe, sink=sink, tasks=context.tasks
            )
        except OSError as error:
            if is_shortage(error):
                self._inbox.put_nowait((spec.name, NotStarted(run, f"{reason_of(error)}. {SHORTAGE}")))
                return
            sink("stderr", f"cannot start {spec.argv[0]}: {error.strerror}.")
            self._inbox.put_nowait((spec.name, Exited(run, NOT_FOUND)))
            return
        self._processes[spec.name] = process
        if spec.name in self._pending_signals:
            self._signal(spec.name, self._pending_signals.pop(spec.name))
        self._on_change(self.views(), stopping=self._stopping)
        code = await self._until_exit(context, process, spec, run)
        self._inbox.put_nowait((spec.name, Exited(run, code)))

    async def _until_exit(
        self, context: _RunContext, process: ServiceProcess, spec: ServiceSpec, run: int
    ) -> int:
        def report(reading: Reading, problem: str) -> None:
            self._inbox.put_nowait((spec.name, Probed(run, reading, problem)))

        poller = None
        if spec.ready is not None:
            poller = context.tasks.create_task(poll(context.session, spec.ready, report))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill_group()
            await process.wait()
            raise
        finally:
            if poller is not None:
                poller.cancel()

    def _report(self, life: Lifecycle, report: Report) -> None:
        view = self._view(life.spec.name, life)
        text = report.state.value + (f": {report.reason}" if report.reason else "")
        if report.state is State.READY and not report.reason and view.start_ms is not None:
            text += f" after {view.start_ms:.0f} ms" + (f" at {view.address}" if view.address else "")
        ms = view.start_ms
        if report.state is State.STOPPING:
            self._stopping_since.setdefault(life.spec.name, self._clock())
        elif (since := self._stopping_since.pop(life.spec.name, None)) and report.state is State.STOPPED:
            ms = round((self._clock() - since) * 1000, 1)
            text += f" after {ms:.0f} ms"
        if report.state is not State.READY or not life.spec.task:  # readiness means nothing for a task
            facts = {"state": report.state.value, "pid": view.pid, "ms": ms}
            facts |= {"reason": report.reason} if report.reason else {}
            self._output.state(life.spec.name, text, **facts)
        self._on_change(self.views(), stopping=self._stopping)


def _error_lines(lines: list[str]) -> list[str]:
    """Return the lines from the last "Error: " on, which the CLI prints last; all without one."""
    starts = [at for at, line in enumerate(lines) if line.startswith(ERROR)]
    return lines[starts[-1] :] if starts else lines
