"""Runs a group of replicas: starts, swaps and stops worker processes by the rules of swap.py."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any

from nescord_core.process.descriptors import is_shortage
from nescord_core.reload.swapping.failure import Blame, Failure
from nescord_core.reload.swapping.hang_detection import HangDetector
from nescord_core.reload.swapping.messages import (
    Advance,
    AskState,
    AskStats,
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    FromParent,
    FromWorker,
    Handed,
    Imported,
    Listening,
    Sources,
    State,
    Stats,
    Wrote,
    pair,
)
from nescord_core.reload.swapping.observer import Observer
from nescord_core.reload.swapping.reconciliation import Backoff
from nescord_core.reload.swapping.rollout import Reloaded, Rollout
from nescord_core.reload.swapping.spawn import Spawner, WorkerProcess
from nescord_core.reload.swapping.swap import (
    After,
    Crashed,
    Dismiss,
    Drain,
    Effect,
    Exited,
    Fact,
    Failed,
    GivenUp,
    Gone,
    Kill,
    Overdue,
    Phase,
    Ready,
    Refused,
    ReloadRequested,
    Replica,
    Retry,
    RetryDue,
    Start,
    Stopped,
    StopRequested,
    Swapped,
    SwapTimeouts,
)
from nescord_core.reload.swapping.worker_slot import DEBUGGED_PAUSE, Restarts, Worker, WorkerSlot
from nescord_core.settings import MainSettings

__all__ = ["GRACE", "Group", "Restarts", "Worker"]

CANNOT_START = 127
SHORTAGE_PAUSE = 5.0
"""Seconds before a retry when the system is short of descriptors or memory; not counted as a failure."""
GRACE = 2.0
"""Seconds past a drain time-out before a worker is killed."""
FINAL_READ = 0.5
"""Seconds allowed for reading the channel of an exited process to its end."""
ADVANCE_WAIT = 30.0
"""Seconds that workers get to move their timers."""
STATE_WAIT = 0.25
"""Seconds that a new worker waits for the state of the old one, whose event loop may be blocked; it gets the
final state when the old one has drained."""


class Group:
    """Worker processes on one port each; `run` returns when all of them have stopped.

    ``settings`` hold absolute paths; ``ports`` has the port of every replica. ``watched`` means that someone
    edits the code and may be debugging: hung workers are reported, not killed, and a start that fails for a
    reason outside the code is tried again until what is on disk runs.
    """

    def __init__(
        self,
        settings: MainSettings,
        ports: tuple[int, ...],
        spawner: Spawner,
        observer: Observer,
        *,
        restarts: Callable[[], Restarts],
        timeouts: SwapTimeouts,
        debug: bool = False,
        watched: bool = False,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._spawner = spawner
        self._observer = observer
        self._debug = debug
        self._watched = watched
        backoff = Backoff() if watched else None
        self.slots = [WorkerSlot(Replica(timeouts, backoff), restarts()) for _ in ports]
        self._revision = 0
        self._inbox: asyncio.Queue[tuple[int, Fact]] = asyncio.Queue()
        self._rollout: Rollout | None = None
        self._result: asyncio.Future[Reloaded] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._learning: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Run until `request_stop` has ended every process."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                while any(slot.rules.phase is not Phase.STOPPED for slot in self.slots):
                    index, fact = await self._inbox.get()
                    self._apply(index, fact)
                for task in self._learning:
                    task.cancel()
        finally:
            self._tasks = None
            self._settle(Reloaded(ok=False, failure=Failure("main is stopping")))
            await self._spawner.close()

    def request_stop(self) -> None:
        """Drain all workers at the same time, then stop."""
        for index in range(len(self.slots)):
            self._inbox.put_nowait((index, StopRequested()))

    def move(self, settings: MainSettings) -> None:
        """Start further workers with other settings: in another directory."""
        self._settings = settings
        self._spawner.moved((str(settings.project_dir), str(settings.state_dir)))

    def reload(self, paths: tuple[str, ...] = (), began: float | None = None) -> asyncio.Future[Reloaded]:
        """Reload every replica; the future is done when the old processes are gone or the code was refused.

        Another call supersedes a reload that is still starting processes: both futures get the later result.
        ``began`` is the loop time from which the reload is timed.
        """
        loop = asyncio.get_running_loop()
        if self._rollout is not None and (serving := self._rollout.result(drained=False)) is not None:
            self._finish_rollout(serving)
        if self._result is None or self._result.done():
            self._result = loop.create_future()
        started = loop.time() if began is None else began
        self._revision += 1
        rollout = Rollout(len(self.slots), started, paths, self._revision)
        self._rollout = rollout.superseding(self._rollout)
        for index in self._rollout.first():
            self._put(index, ReloadRequested(self._revision))
        return self._result

    async def advance(self, seconds: float) -> None:
        """Move the timers of every serving worker on; returns when they have done so."""
        for slot in self.slots:
            if (worker := slot.serving) and worker.channel:
                worker.channel.send(Advance(seconds))
        # Workers take their messages in order, so whoever answers this has moved its timers.
        await self.ask_stats(ADVANCE_WAIT)

    async def ask_stats(self, timeout: float = 0.5) -> None:
        """Refresh the ``stats`` of every serving worker, waiting at most ``timeout`` seconds."""
        asked = [worker for slot in self.slots if (worker := slot.serving) and worker.channel]
        for worker in asked:
            worker.answered.clear()
            if worker.channel:
                worker.channel.send(AskStats())
        try:
            async with asyncio.timeout(timeout):
                for worker in asked:
                    await worker.answered.wait()
        except TimeoutError:
            return  # the previous stats stay

    @property
    def is_serving(self) -> bool:
        """Whether every replica has a serving process."""
        return all(slot.serving is not None for slot in self.slots)

    def _apply(self, index: int, fact: Fact) -> None:
        slot = self.slots[index]
        for effect in slot.rules.step(fact):
            self._perform(index, effect)
        if isinstance(fact, Exited):
            slot.workers.pop(fact.generation, None)

    def _perform(self, index: int, effect: Effect) -> None:
        slot = self.slots[index]
        match effect:
            case Start(generation):
                slot.workers[generation] = Worker(generation)
                self._child(self._run_worker(index, slot.workers[generation]))
            case Drain(generation):
                self._drain(slot.workers[generation])
            case Dismiss(generation):
                slot.workers[generation].signal(signal.SIGTERM)
            case Kill(generation):
                slot.workers[generation].signal(signal.SIGKILL)
            case After(delay, fact):
                asyncio.get_running_loop().call_later(delay, self._due, index, fact)
            case Retry(crash):
                self._retry(index, slot, crash)
            case _:
                self._report(index, slot, effect)

    def _due(self, index: int, fact: Fact) -> None:
        """Deliver a fact at its time; a worker at a breakpoint is overdue only when the group stops."""
        slot = self.slots[index]
        if isinstance(fact, Overdue) and slot.is_debugged(fact.generation):
            asyncio.get_running_loop().call_later(DEBUGGED_PAUSE, self._due, index, fact)
        else:
            self._put(index, fact)

    def _report(self, index: int, slot: WorkerSlot, effect: Effect) -> None:
        match effect:
            case Swapped():
                self._observer.serving(index, slot.workers[effect.new])
                self._continue_rollout(index, effect)
            case Refused(_, failure, serving, again):
                if failure.blame is Blame.PROCESS:
                    self._spawner.distrust()
                self._observer.refused(index, failure, still_serving=serving is not None, again=again)
                self._refuse_rollout(failure, goes_on=again is not None)
                self._report_broken(index)
            case Crashed(generation, code):
                slot.crashes += 1
                self._observer.crashed(index, slot.workers[generation].pid, code)
            case Gone(generation, killed):
                if self._rollout is not None:
                    report = slot.workers[generation].report
                    self._rollout.gone(index, generation, report, killed=killed)
                    self._finish_rollout(self._rollout.result())
            case _:
                assert isinstance(effect, Stopped)

    def _child(self, coroutine: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        assert self._tasks is not None
        return self._tasks.create_task(coroutine)

    def _learn(self, modules: tuple[str, ...]) -> None:
        task = self._child(self._spawner.learn(modules))
        self._learning.add(task)
        task.add_done_callback(self._learning.discard)

    def _drain(self, worker: Worker) -> None:
        if worker.channel is not None:
            worker.channel.send(DrainNow())

    def _retry(self, index: int, slot: WorkerSlot, crash: int) -> None:
        delay = SHORTAGE_PAUSE if slot.is_short else slot.restarts(*slot.last_exit)
        if delay is None:
            slot.rules.step(GivenUp(crash))
            self._report_broken(index)
        else:
            asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, (index, RetryDue(crash)))

    def _report_broken(self, index: int) -> None:
        if self.slots[index].rules.phase is Phase.BROKEN:
            self._observer.broken(index)

    def _continue_rollout(self, index: int, swapped: Swapped) -> None:
        if self._rollout is None:
            return
        now = asyncio.get_running_loop().time()
        for further in self._rollout.swapped(index, swapped.old, swapped.new, swapped.revision, now):
            self._put(further, ReloadRequested(self._rollout.revision))
        self._finish_rollout(self._rollout.result())

    def _finish_rollout(self, result: Reloaded | None) -> None:
        if result is not None:
            self._rollout = None
            self._settle(result)
            self._observer.reloaded(result)

    def _refuse_rollout(self, failure: Failure, *, goes_on: bool) -> None:
        """Report a failed reload; it may still succeed at another attempt."""
        if (rollout := self._rollout) is not None:
            self._finish_rollout(Reloaded(ok=False, paths=rollout.paths, failure=failure))
            self._rollout = rollout if goes_on else None

    def _settle(self, result: Reloaded) -> None:
        if self._result is not None and not self._result.done():
            self._result.set_result(result)

    async def _run_worker(self, index: int, worker: Worker) -> None:
        """Run one worker process from its start to its exit."""
        loop = asyncio.get_running_loop()
        worker.started_at = loop.time()
        worker.hang_detector = HangDetector(self._settings.hang_timeout)
        parents_end = None
        try:
            parents_end, workers_end = pair()
            with workers_end:
                async with asyncio.timeout(None) as worker.start_timeout:
                    process = await self._spawner.start(workers_end)
        except OSError as error:  # a TimeoutError among them
            if parents_end is not None:
                parents_end.close()
            self._cannot_start(index, worker, error)
            return
        self.slots[index].is_short = False
        try:
            await self._attend(index, worker, process, await Channel.of_parent(parents_end))
        finally:
            process.signal(signal.SIGKILL)  # it still runs only if this task is cancelled
        self.slots[index].last_exit = (worker.exit_code, loop.time() - worker.started_at)
        self._put(index, Exited(worker.generation, worker.exit_code))

    def _cannot_start(self, index: int, worker: Worker, error: OSError) -> None:
        self.slots[index].is_short = is_shortage(error)
        reason = f"cannot start a worker process: {error or 'it took too long'}"
        failure = Failure(reason, blame=Blame.PROCESS)
        self._put(index, Failed(worker.generation, failure))
        self._put(index, Exited(worker.generation, CANNOT_START))

    async def _attend(self, index: int, worker: Worker, process: WorkerProcess, channel: Channel) -> None:
        worker.process, worker.channel = process, channel
        channel.send(self._begin(index, worker.generation, await self._inherited(index, worker)))
        for number in worker.pending_signals:
            process.signal(number)
        async with asyncio.TaskGroup() as tasks:
            reader = tasks.create_task(self._listen(index, worker, channel))
            hang_watch = tasks.create_task(self._watch_for_hang(index, worker, channel))
            worker.exit_code = await process.wait()
            hang_watch.cancel()
            await asyncio.wait({reader}, timeout=FINAL_READ)
            reader.cancel()
        await channel.close()

    async def _watch_for_hang(self, index: int, worker: Worker, channel: Channel) -> None:
        """Once the worker is ready, kill it if it hangs; only report it in a watched group."""
        await worker.ready.wait()
        await worker.hang_detector.until_hung(lambda: channel.send(AskStats()))
        self._observer.hung(index, worker.pid, killed=not self._watched)
        if not self._watched:
            worker.signal(signal.SIGQUIT)  # faulthandler prints its stack, if it can
            await asyncio.sleep(FINAL_READ)
            worker.signal(signal.SIGKILL)

    def _begin(self, index: int, generation: int, state: Mapping[str, bytes]) -> Begin:
        settings = replace(self._settings, listen_port=self._ports[index])
        return Begin(settings, str(index), generation, self._debug, self._watched, state)

    async def _inherited(self, index: int, worker: Worker) -> Mapping[str, bytes]:
        """Return the bot's state in the serving worker; {} if there is none or it does not answer in time."""
        old = self.slots[index].serving
        if old is None or old.channel is None:
            return {}
        worker.predecessor = old.generation
        if old.state is None or old.state.done():
            old.state = asyncio.get_running_loop().create_future()
            old.channel.send(AskState())
        await asyncio.wait({old.state}, timeout=STATE_WAIT)
        return old.state.result() if old.state.done() else {}

    def _hand_over_state(self, index: int, old: Worker, state: Mapping[str, bytes]) -> None:
        new = self.slots[index].serving
        if new is not None and new.predecessor == old.generation and new.channel is not None:
            new.channel.send(Handed(state))

    async def _listen(self, index: int, worker: Worker, channel: Channel) -> None:
        while (message := await channel.receive()) is not None:
            worker.hang_detector.heard()
            match message:
                case Listening():
                    worker.listening = message
                    worker.ready.set()
                    own = message.drain_timeout
                    self._put(index, Ready(worker.generation, None if own is None else own + GRACE))
                case Imported(modules):
                    self._learn(modules)
                case Broken():
                    self._put(index, Failed(worker.generation, self._failure(index, worker, message)))
                case Drained(report, state):
                    worker.report = report
                    self._hand_over_state(index, worker, state)
                case State(state):
                    if worker.state is not None and not worker.state.done():
                        worker.state.set_result(state)
                case Stats(values):
                    worker.stats = values
                    worker.answered.set()
                case _:
                    self._pass_on(message)

    def _pass_on(self, message: FromParent | FromWorker) -> None:
        match message:
            case Wrote(path):
                self._observer.wrote(path)
            case Sources(directories, since):
                self._observer.sources(directories, since)

    def _failure(self, index: int, worker: Worker, broken: Broken) -> Failure:
        """Return what a worker reports; code that runs in another replica is not to blame."""
        revision = self.slots[index].rules.reconciliation.revision_of(worker.generation)
        runs_elsewhere = any(slot.rules.reconciliation.running == revision for slot in self.slots)
        blame = Blame.CODE if broken.in_code and not runs_elsewhere else Blame.SURROUNDINGS
        return Failure(
            broken.message, broken.file, broken.line, broken.excerpt, broken.traceback, blame=blame
        )

    def _put(self, index: int, fact: Fact) -> None:
        self._inbox.put_nowait((index, fact))
