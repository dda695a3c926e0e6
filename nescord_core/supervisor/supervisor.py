"""Runs a plan: starts what depends on what is ready, restarts what fell, stops in reverse order.

One loop takes facts from one inbox and does what the rules (`lifecycle`, `graph`) answer. Whatever takes time
is a task beside it that reports into the inbox.
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
from nescord_core.supervisor import start_order
from nescord_core.supervisor.lifecycle import (
    OVER,
    Cleared,
    Effect,
    Exited,
    Fact,
    KillNow,
    Lifecycle,
    Probed,
    Reading,
    Report,
    RestartAsked,
    SignalGroup,
    Spawn,
    State,
    StopAsked,
    Timer,
)
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.parent_death import ParentDeathPipe
from nescord_core.supervisor.probe import keep_asking
from nescord_core.supervisor.process import ServiceProcess
from nescord_core.supervisor.restart import GiveUp
from nescord_core.supervisor.spec import ServiceSpec

__all__ = ["Outcome", "ServiceView", "Supervisor"]

IDLE = frozenset({State.WAITING, State.BACKOFF})
LAST_LINES = 12
NOT_FOUND = 127
"""What a shell returns for a command that is not there."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How the run ended. ``failure`` is set when a service was given up."""

    exit_code: int
    failure: ServiceFailed | None = None


@dataclass(frozen=True, slots=True)
class ServiceView:
    """A service as others see it; ``start_ms`` is from its start to its first readiness."""

    name: str
    state: State
    pid: int | None
    address: str
    uptime_s: float | None
    restarts: int
    start_ms: float | None
    task: bool = False


class OnChange(Protocol):
    """Hears of each change."""

    def __call__(self, views: list[ServiceView], /, *, stopping: bool) -> None:
        """Take the views of all services."""


@dataclass(frozen=True, slots=True)
class _RunContext:
    """What effects are carried out with; lives as long as a run."""

    tasks: asyncio.TaskGroup
    session: aiohttp.ClientSession
    death_pipe: ParentDeathPipe


class Supervisor:
    """Runs services until they are told to stop, one is given up, or a task among them ends.

    ``on_change`` is called after each change with the views of all services, and whether all are to stop.
    ``clock`` never goes back; ``chance`` gives numbers in [0, 1).
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
        self._plan = start_order.check(specs)
        self._stop_after = start_order.stop_after(self._plan)
        self._lives = {name: Lifecycle(spec) for name, spec in self._plan.items()}
        self._output = output
        self._on_change = on_change
        self._clock = clock
        self._chance = chance
        self._inbox: asyncio.Queue[tuple[str, Fact] | None] = asyncio.Queue()
        self._processes: dict[str, ServiceProcess] = {}
        self._unsent: dict[str, SignalGroup] = {}
        self._asked: set[str] = set()
        self._stopping = False
        self._stopping_since: dict[str, float] = {}
        self._outcome = Outcome(0)

    async def run(self) -> Outcome:
        """Run the plan to its end; every child is reaped by then."""
        death_pipe = ParentDeathPipe.open()
        try:
            async with aiohttp.ClientSession() as session, asyncio.TaskGroup() as tasks:
                await self._attend(_RunContext(tasks, session, death_pipe))
        finally:
            for process in self._processes.values():
                process.kill_group()
            death_pipe.close()
        return self._outcome

    def request_stop(self) -> None:
        """Stop everything in order; may be called from a signal callback, and again.

        A task that has not ended by itself has not succeeded: the exit code is 1 then.
        """
        if any(life.spec.task and life.state not in OVER for life in self._lives.values()):
            self._outcome = Outcome(1)
        self._begin_stop()

    def _begin_stop(self) -> None:
        self._stopping = True
        self._inbox.put_nowait(None)

    def kill_now(self) -> None:
        """Kill everything at once."""
        self._stopping = True
        for name in self._plan:
            self._inbox.put_nowait((name, KillNow()))

    def restart(self, name: str) -> None:
        """Stop one service and start it anew.

        Raises:
            NescordError: there is no such service, or everything is stopping.

        """
        if name not in self._plan:
            raise NescordError(f"there is no service {name!r} here; there are {', '.join(self._plan)}.")
        if self._stopping:
            raise NescordError("everything is being stopped.")
        self._inbox.put_nowait((name, RestartAsked()))

    def replan(self, specs: Iterable[ServiceSpec]) -> None:
        """Take other settings for the same services; each has them from its next start on.

        Raises:
            NescordError: these are not the same services.

        """
        plan = start_order.check(specs)
        if plan.keys() != self._plan.keys():
            raise NescordError("the configuration asks for other services now; start nescord dev anew.")
        for name, spec in plan.items():
            self._lives[name].spec = spec

    def views(self) -> list[ServiceView]:
        """Return all services as they are now."""
        return [self._view(name, life) for name, life in self._lives.items()]

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

    async def _attend(self, hands: _RunContext) -> None:
        self._advance(hands)
        while any(life.state not in OVER for life in self._lives.values()):
            news = await self._inbox.get()
            if news is not None:
                self._take(hands, *news)
            self._advance(hands)

    def _advance(self, hands: _RunContext) -> None:
        """Give every service its turn to start or stop; one's turn may bring another's."""
        while turns := list(self._turns()):
            for name, fact in turns:
                self._take(hands, name, fact)

    def _turns(self) -> Iterable[tuple[str, Fact]]:
        for name, life in self._lives.items():
            if not self._stopping:
                if life.state is State.WAITING and self._are_ready(life.spec.depends_on):
                    yield name, Cleared()
            elif name not in self._asked and self._may_stop(life):
                self._asked.add(name)
                yield name, StopAsked()

    def _may_stop(self, life: Lifecycle) -> bool:
        if life.state in OVER:
            return False
        return life.state in IDLE or self._are_over(self._stop_after[life.spec.name])

    def _are_over(self, names: Iterable[str]) -> bool:
        return all(self._lives[name].state in OVER for name in names)

    def _are_ready(self, names: Iterable[str]) -> bool:
        return all(self._lives[name].state is State.READY for name in names)

    def _take(self, hands: _RunContext, name: str, fact: Fact) -> None:
        life = self._lives[name]
        if self._stopping and isinstance(fact, RestartAsked):
            return
        if isinstance(fact, Exited) and fact.run == life.run:
            self._processes.pop(name, None)
        for effect in life.take(fact, now=self._clock(), jitter=self._chance()):
            self._perform(hands, life, effect)
        if life.state in OVER and not self._stopping:
            self._judge(life)

    def _perform(self, hands: _RunContext, life: Lifecycle, effect: Effect) -> None:
        name = life.spec.name
        match effect:
            case Spawn(run):
                self._unsent.pop(name, None)
                self._output.begin(name)
                hands.tasks.create_task(self._live(hands, life.spec, run))
            case SignalGroup(kill):
                if kill and self._stopping:
                    self._outcome = replace(self._outcome, exit_code=self._outcome.exit_code or 1)
                self._signal(name, effect)
            case Timer(delay, fact):
                asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, (name, fact))
            case Report():
                self._report(life, effect)

    def _judge(self, life: Lifecycle) -> None:
        """A service is over though nobody stopped it: does the run end with it, and how?"""
        if life.spec.task:
            self._outcome = Outcome(life.exit_code or 0)
        elif life.given_up is not None and life.spec.critical:
            self._outcome = Outcome(life.given_up.exit_code, self._failure(life.spec.name, life.given_up))
        else:
            return
        self._begin_stop()

    def _failure(self, name: str, given_up: GiveUp) -> ServiceFailed:
        lines = _verdict(self._output.last_errors(name, LAST_LINES))
        said = "".join(f"\n    {line}" for line in lines)
        return ServiceFailed(name, f"it {given_up.reason}." + (f" The last it said:{said}" if said else ""))

    def _signal(self, name: str, signal: SignalGroup) -> None:
        process = self._processes.get(name)
        if process is None:
            self._unsent[name] = signal  # the process is being made; `_live` sends it then
        elif signal.kill:
            process.kill_group()
        else:
            process.terminate()

    async def _live(self, hands: _RunContext, spec: ServiceSpec, run: int) -> None:
        """One process from its start to its end."""
        sink = partial(self._output.line, spec.name)
        try:
            process = await ServiceProcess.start(
                spec, death_pipe=hands.death_pipe, sink=sink, tasks=hands.tasks
            )
        except OSError as error:
            sink("stderr", f"{spec.argv[0]} cannot be started: {error.strerror}.")
            self._inbox.put_nowait((spec.name, Exited(run, NOT_FOUND)))
            return
        self._processes[spec.name] = process
        if spec.name in self._unsent:
            self._signal(spec.name, self._unsent.pop(spec.name))
        self._on_change(self.views(), stopping=self._stopping)
        code = await self._until_exit(hands, process, spec, run)
        self._inbox.put_nowait((spec.name, Exited(run, code)))

    async def _until_exit(
        self, hands: _RunContext, process: ServiceProcess, spec: ServiceSpec, run: int
    ) -> int:
        def report(reading: Reading, said: str) -> None:
            self._inbox.put_nowait((spec.name, Probed(run, reading, said)))

        probing = None
        if spec.ready is not None:
            probing = hands.tasks.create_task(keep_asking(hands.session, spec.ready, report))
        try:
            return await process.wait()
        except asyncio.CancelledError:
            process.kill_group()
            await process.wait()
            raise
        finally:
            if probing is not None:
                probing.cancel()

    def _report(self, life: Lifecycle, report: Report) -> None:
        view = self._view(life.spec.name, life)
        words = report.state.value + (f": {report.reason}" if report.reason else "")
        if report.state is State.READY and not report.reason and view.start_ms is not None:
            words += f" after {view.start_ms:.0f} ms" + (f" at {view.address}" if view.address else "")
        ms = view.start_ms
        if report.state is State.STOPPING:
            self._stopping_since.setdefault(life.spec.name, self._clock())
        elif (since := self._stopping_since.pop(life.spec.name, None)) and report.state is State.STOPPED:
            ms = round((self._clock() - since) * 1000, 1)
            words += f" after {ms:.0f} ms"
        if report.state is not State.READY or not life.spec.task:  # a task has no readiness to tell of
            self._output.state(life.spec.name, words, state=report.state.value, pid=view.pid, ms=ms)
        self._on_change(self.views(), stopping=self._stopping)


def _verdict(lines: list[str]) -> list[str]:
    """Of the last words, those that say why: the command line ends with its error as a paragraph."""
    starts = [at for at, line in enumerate(lines) if line.startswith("Error: ")]
    return lines[starts[-1] :] if starts else lines
