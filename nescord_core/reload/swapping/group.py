"""Drives a group of replicas: worker processes come and go as the rules of swap.py say."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import Any, Protocol

from nescord_core.reload.swapping.hang_detection import HangDetector
from nescord_core.reload.swapping.messages import (
    AskState,
    AskStats,
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    Handed,
    Imported,
    Listening,
    State,
    Stats,
    Wrote,
    pair,
)
from nescord_core.reload.swapping.rollout import Reloaded, Rollout
from nescord_core.reload.swapping.spawn import Spawner, WorkerProcess
from nescord_core.reload.swapping.swap import (
    After,
    Asked,
    Crashed,
    Dismiss,
    Drain,
    Effect,
    Exited,
    Fact,
    Failed,
    Failure,
    GivenUp,
    Gone,
    Kill,
    Phase,
    Ready,
    Refused,
    Replica,
    Retry,
    RetryDue,
    Start,
    StopAsked,
    Stopped,
    Swapped,
    SwapTimeouts,
)
from nescord_core.reload.swapping.worker_slot import Restarts, Worker, WorkerSlot
from nescord_core.settings import MainSettings

__all__ = ["GRACE", "Group", "Observer", "Restarts", "Worker"]

CANNOT_START = 127
GRACE = 2.0
"""Seconds past a drain time-out before a worker is killed."""
LAST_WORDS = 0.5
"""Seconds in which the channel of a process that has ended is read to its end."""
STATE_WAIT = 0.25
"""Seconds that a new worker waits for the state of the old one, whose event loop may be blocked; it gets the
rest when the old one has drained."""


class Observer(Protocol):
    """Hears what happens in a group."""

    def serving(self, replica: int, worker: Worker) -> None:
        """A new process serves."""

    def reloaded(self, reloaded: Reloaded) -> None:
        """A reload has come to its end, good or bad (a superseded one says nothing)."""

    def refused(self, replica: int, failure: Failure, *, still_serving: bool) -> None:
        """A new process did not get ready."""

    def crashed(self, replica: int, pid: int, code: int) -> None:
        """A serving process died."""

    def hung(self, replica: int, pid: int, *, killed: bool) -> None:
        """A process has not answered for ``main.hang_timeout``; it is killed unless a person looks on."""

    def wrote(self, path: str) -> None:
        """The bot wrote a file of its project."""

    def broken(self, replica: int) -> None:
        """Nothing serves there, and nothing will be tried before something changes."""


class Group:
    """Worker processes on one port each; `run` returns when they have all been stopped.

    ``settings`` hold absolute paths; ``ports`` has the port of every replica.
    """

    def __init__(
        self,
        settings: MainSettings,
        ports: tuple[int, ...],
        spawner: Spawner,
        observer: Observer,
        *,
        restarts: Callable[[], Restarts],
        patience: SwapTimeouts,
        debug: bool = False,
        watched: bool = False,
    ) -> None:
        self._settings = settings
        self._ports = ports
        self._spawner = spawner
        self._observer = observer
        self._debug = debug
        self._watched = watched
        self.places = [WorkerSlot(Replica(patience), restarts()) for _ in ports]
        self._inbox: asyncio.Queue[tuple[int, Fact]] = asyncio.Queue()
        self._rollout: Rollout | None = None
        self._result: asyncio.Future[Reloaded] | None = None
        self._tasks: asyncio.TaskGroup | None = None
        self._learning: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Serve what is asked for until `request_stop` has ended every process."""
        try:
            async with asyncio.TaskGroup() as self._tasks:
                while any(place.rules.phase is not Phase.STOPPED for place in self.places):
                    index, fact = await self._inbox.get()
                    self._take(index, fact)
                for task in self._learning:
                    task.cancel()
        finally:
            self._tasks = None
            self._settle(Reloaded(ok=False, failure=Failure("main is stopping")))
            await self._spawner.close()

    def request_stop(self) -> None:
        """Drain every worker at once, then end."""
        for index in range(len(self.places)):
            self._inbox.put_nowait((index, StopAsked()))

    def reload(self, paths: tuple[str, ...] = (), began: float | None = None) -> asyncio.Future[Reloaded]:
        """Bring new code to every replica; the answer comes when the old ones have left or it was refused.

        A further call supersedes one that is still starting processes: both answers are then the later's.
        ``began`` is the loop time from which the milliseconds count.
        """
        loop = asyncio.get_running_loop()
        if self._rollout is not None and (so_far := self._rollout.result(drained=False)) is not None:
            self._finish_rollout(so_far)
        if self._result is None or self._result.done():
            self._result = loop.create_future()
        started = loop.time() if began is None else began
        self._rollout = Rollout(len(self.places), started, paths).superseding(self._rollout)
        for index in self._rollout.first():
            self._put(index, Asked())
        return self._result

    async def ask_stats(self, timeout: float = 0.5) -> None:
        """Bring every serving worker's ``stats`` up to date, but wait no longer than ``timeout`` seconds."""
        asked = [worker for place in self.places if (worker := place.serving) and worker.channel]
        for worker in asked:
            worker.answered.clear()
            if worker.channel:
                worker.channel.send(AskStats())
        try:
            async with asyncio.timeout(timeout):
                for worker in asked:
                    await worker.answered.wait()
        except TimeoutError:
            return  # what is known from before is shown

    @property
    def is_serving(self) -> bool:
        """Say whether every replica has a process that takes events."""
        return all(place.serving is not None for place in self.places)

    def _take(self, index: int, fact: Fact) -> None:
        place = self.places[index]
        for effect in place.rules.step(fact):
            self._perform(index, effect)
        if isinstance(fact, Exited):
            place.workers.pop(fact.generation, None)

    def _perform(self, index: int, effect: Effect) -> None:
        place = self.places[index]
        match effect:
            case Start(generation):
                place.workers[generation] = Worker(generation)
                self._child(self._life(index, place.workers[generation]))
            case Drain(generation):
                self._tell_to_drain(place.workers[generation])
            case Dismiss(generation):
                place.workers[generation].signal(signal.SIGTERM)
            case Kill(generation):
                place.workers[generation].signal(signal.SIGKILL)
            case After(delay, fact):
                asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, (index, fact))
            case Retry(crash):
                self._retry(index, place, crash)
            case _:
                self._news(index, place, effect)

    def _news(self, index: int, place: WorkerSlot, effect: Effect) -> None:
        match effect:
            case Swapped(old, new):
                self._observer.serving(index, place.workers[new])
                self._continue_rollout(index, old, new)
            case Refused(_, failure, serving):
                self._observer.refused(index, failure, still_serving=serving is not None)
                self._end_rollout(failure)
                self._note_broken(index)
            case Crashed(generation, code):
                place.crashes += 1
                self._observer.crashed(index, place.workers[generation].pid, code)
            case Gone(generation, killed):
                if self._rollout is not None:
                    report = place.workers[generation].report
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

    def _tell_to_drain(self, worker: Worker) -> None:
        if worker.channel is not None:
            worker.channel.send(DrainNow())

    def _retry(self, index: int, place: WorkerSlot, crash: int) -> None:
        delay = place.restarts(*place.last_exit)
        if delay is None:
            place.rules.step(GivenUp(crash))
            self._note_broken(index)
        else:
            asyncio.get_running_loop().call_later(delay, self._inbox.put_nowait, (index, RetryDue(crash)))

    def _note_broken(self, index: int) -> None:
        if self.places[index].rules.phase is Phase.BROKEN:
            self._observer.broken(index)

    def _continue_rollout(self, index: int, old: int | None, new: int) -> None:
        if self._rollout is None:
            return
        now = asyncio.get_running_loop().time()
        for further in self._rollout.swapped(index, old, new, now):
            self._inbox.put_nowait((further, Asked()))
        self._finish_rollout(self._rollout.result())

    def _finish_rollout(self, result: Reloaded | None) -> None:
        if result is not None:
            self._rollout = None
            self._settle(result)
            self._observer.reloaded(result)

    def _end_rollout(self, failure: Failure) -> None:
        if self._rollout is not None:
            self._finish_rollout(Reloaded(ok=False, paths=self._rollout.paths, failure=failure))

    def _settle(self, result: Reloaded) -> None:
        if self._result is not None and not self._result.done():
            self._result.set_result(result)

    async def _life(self, index: int, worker: Worker) -> None:
        """One process from its start to its end."""
        loop = asyncio.get_running_loop()
        worker.began = loop.time()
        parents_end, workers_end = pair()
        worker.hang_detector = HangDetector(self._settings.hang_timeout)
        try:
            with workers_end:
                async with asyncio.timeout(None) as worker.limit:
                    process = await self._spawner.start(workers_end)
        except OSError as error:  # a TimeoutError among them
            parents_end.close()
            self._put(
                index,
                Failed(
                    worker.generation, Failure(f"no process could be started: {error or 'it took too long'}")
                ),
            )
            self._put(index, Exited(worker.generation, CANNOT_START))
            return
        try:
            await self._accompany(index, worker, process, await Channel.of_parent(parents_end))
        finally:
            process.signal(signal.SIGKILL)  # only when this task is cancelled is it still there
        self.places[index].last_exit = (worker.exit_code, loop.time() - worker.began)
        self._put(index, Exited(worker.generation, worker.exit_code))

    async def _accompany(self, index: int, worker: Worker, process: WorkerProcess, channel: Channel) -> None:
        worker.process, worker.channel = process, channel
        channel.send(self._begin(index, worker.generation, await self._inherited(index, worker)))
        for number in worker.told:
            process.signal(number)
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(self._listen(index, worker, channel))
            feeling = tasks.create_task(self._ask_for_sign_of_life(index, worker, channel))
            worker.exit_code = await process.wait()
            feeling.cancel()
            await asyncio.wait({reading}, timeout=LAST_WORDS)
            reading.cancel()
        await channel.close()

    async def _ask_for_sign_of_life(self, index: int, worker: Worker, channel: Channel) -> None:
        """Once it serves: end a worker that hangs, unless somebody is there who may be debugging it."""
        await worker.ready.wait()
        await worker.hang_detector.stops(lambda: channel.send(AskStats()))
        self._observer.hung(index, worker.pid, killed=not self._watched)
        if not self._watched:
            worker.signal(signal.SIGQUIT)  # it shows where it hangs, if it can
            await asyncio.sleep(LAST_WORDS)
            worker.signal(signal.SIGKILL)

    def _begin(self, index: int, generation: int, state: Mapping[str, bytes]) -> Begin:
        settings = replace(self._settings, listen_port=self._ports[index])
        return Begin(settings, str(index), generation, self._debug, self._watched, state)

    async def _inherited(self, index: int, worker: Worker) -> Mapping[str, bytes]:
        """The state of the worker that serves now."""
        old = self.places[index].serving
        if old is None or old.channel is None:
            return {}
        worker.heir_of = old.generation
        if old.state is None or old.state.done():
            old.state = asyncio.get_running_loop().create_future()
            old.channel.send(AskState())
        await asyncio.wait({old.state}, timeout=STATE_WAIT)
        return old.state.result() if old.state.done() else {}

    def _hand_on(self, index: int, old: Worker, state: Mapping[str, bytes]) -> None:
        heir = self.places[index].serving
        if heir is not None and heir.heir_of == old.generation and heir.channel is not None:
            heir.channel.send(Handed(state))

    async def _listen(self, index: int, worker: Worker, channel: Channel) -> None:
        while (message := await channel.receive()) is not None:
            worker.hang_detector.felt()
            match message:
                case Listening():
                    worker.listening = message
                    worker.ready.set()
                    own = message.drain_timeout
                    self._put(index, Ready(worker.generation, None if own is None else own + GRACE))
                case Imported(modules):
                    self._learn(modules)
                case Broken(text, file, line, excerpt, trace):
                    failure = Failure(text, file, line, excerpt, trace)
                    self._put(index, Failed(worker.generation, failure))
                case Drained(report, state):
                    worker.report = report
                    self._hand_on(index, worker, state)
                case State(state):
                    if worker.state is not None and not worker.state.done():
                        worker.state.set_result(state)
                case Wrote(path):
                    self._observer.wrote(path)
                case Stats(values):
                    worker.stats = values
                    worker.answered.set()

    def _put(self, index: int, fact: Fact) -> None:
        self._inbox.put_nowait((index, fact))
