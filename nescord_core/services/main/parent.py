"""The main service's parent process: runs the bot's code in worker processes and reloads them.

The parent never imports the bot's code or uses gRPC, so neither can crash it. It serves one admin port and
one control socket for the whole group.
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from nescord_core.bot.libraries.installed import require_discordpy
from nescord_core.errors import EntryError, NescordError, ServiceFailed
from nescord_core.process.orphans import Orphans, adopt
from nescord_core.reload.swapping import fork
from nescord_core.reload.swapping.failure import Failure, describe_exit
from nescord_core.reload.swapping.group import GRACE, Group, Restarts, Worker
from nescord_core.reload.swapping.rollout import Reloaded
from nescord_core.reload.swapping.spawn import Spawner, SpawnWorkers
from nescord_core.reload.swapping.swap import SwapTimeouts
from nescord_core.reload.swapping.warm_parent import Program
from nescord_core.services.control import control_socket
from nescord_core.services.control.admin_port import Admin, serve_admin
from nescord_core.services.control.running_services import announce
from nescord_core.services.main.breakpoints import Breakpoints
from nescord_core.services.main.dev_messages import DevMessages
from nescord_core.services.main.metrics import WorkerMetrics
from nescord_core.services.main.port_reservation import reserved
from nescord_core.services.main.project_watch import ProjectWatch
from nescord_core.settings import MainSettings
from nescord_core.supervisor.restart import Restart, after_exit
from nescord_core.supervisor.spec import RestartPolicy

__all__ = ["serve"]

log = logging.getLogger("nescord.main")
WORKER = "nescord_core.services.main.worker.process"
RESTARTS = RestartPolicy(base=0.1, longest=10.0)


async def serve(
    settings: MainSettings,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    watch: bool = False,
) -> None:
    """Run the group of workers until ``stop``; then all workers drain at the same time.

    ``on_ready`` receives the address of the first worker when all of them serve. With ``watch``, a change of
    the project's files reloads them, and code that cannot be loaded is retried at the next change.

    Raises:
        ConfigError: a discord.py bot is to run, and discord.py does not work here.
        EntryError: the bot's code cannot be loaded (without ``watch``).
        PortTaken: another process listens on one of main's ports.
        ServiceFailed: a worker crashed repeatedly.

    """
    link = settings.project_dir.absolute()
    if settings.entry.endswith(".py"):
        require_discordpy("main, for a discord.py bot")
    settings = replace(settings, project_dir=link.resolve(), state_dir=settings.state_dir.resolve())
    async with AsyncExitStack() as stack:
        ports = await stack.enter_async_context(
            reserved(settings.listen_host, settings.listen_port, settings.workers)
        )
        parent = Parent(settings, ports, watch=watch, link=link)
        admin = await stack.enter_async_context(parent.admin())
        await stack.enter_async_context(
            control_socket.serve_control(
                settings.state_dir,
                parent.commands(stop),
                name=control_socket.MAIN,
                service="nescord run main",
            )
        )
        await parent.run(stop, on_ready, admin)


class Parent:
    """Owns a group of workers: logs its events, serves its admin interface and decides when it ends."""

    def __init__(
        self, settings: MainSettings, ports: tuple[int, ...], *, watch: bool, link: Path | None = None
    ) -> None:
        self._settings = settings
        self._link = link or settings.project_dir
        """The project's directory as it was given: it may lead to another one after a deployment."""
        self._ports = ports
        self._watch = watch
        self._group = Group(
            settings,
            ports,
            _spawner(settings, watch=watch),
            self,
            restarts=_restarts,
            timeouts=SwapTimeouts(start=settings.start_timeout, drain=settings.drain_timeout + GRACE),
            debug=logging.getLogger().isEnabledFor(logging.DEBUG),
            watched=watch,
        )
        self._metrics = WorkerMetrics(self._group, settings.listen_host, ports)
        self._all_serving = asyncio.Event()
        self._failure: NescordError | None = None
        self._last_refusal: Failure | None = None
        self._is_retrying = False
        self._has_loaded = False
        self._has_notice = False
        self._dev = DevMessages(settings.state_dir)
        self._orphans = Orphans(self._pids)
        self._breakpoints = Breakpoints(self._debugged, self._reload_changed)
        self._project_watch = ProjectWatch(
            settings.project_dir, settings.state_dir, self._dev, self._reload_changed
        )

    async def run(self, stop: asyncio.Event, on_ready: Callable[[str], None], admin: str) -> None:
        """Run until ``stop`` or a failure that a restart cannot fix, which is raised."""
        if self._watch:
            self._project_watch.begin(self._settings.config_digest)
        adopt()
        async with asyncio.TaskGroup() as tasks:
            running = tasks.create_task(self._group.run(), name="group")
            background = [
                tasks.create_task(self._stop_when(stop)),
                tasks.create_task(self._announce(on_ready, admin)),
                tasks.create_task(self._orphans.run(), name="orphans"),
                tasks.create_task(self._dev.run(), name="dev messages"),
            ]
            if self._watch:
                background.append(tasks.create_task(self._project_watch.run(), name="watch"))
                background.append(tasks.create_task(self._breakpoints.run(), name="breakpoints"))
            self._group.reload()
            await running
            for task in background:
                task.cancel()
        await self._orphans.look(ending=True)
        if self._failure is not None:
            raise self._failure

    def admin(self) -> Any:
        """Return the context manager that serves the admin port."""
        admin = Admin(
            service="main",
            unhealthy=list,
            unready=self._metrics.unready,
            stats=self._metrics.stats,
            metrics=self._metrics.metrics,
            commands={"reload": self.reload},
        )
        settings = self._settings
        return serve_admin(
            admin,
            settings.admin_host,
            settings.admin_port,
            key="main.admin (NESCORD_MAIN_ADMIN)",
            security=settings.security,
        )

    def commands(self, stop: asyncio.Event) -> Mapping[str, control_socket.Command]:
        """Return the commands of the control socket."""

        async def reload(request: control_socket.Answer) -> Mapping[str, Any]:
            self._follow_link()
            self._require_project(str(request.get("project") or ""))
            return await self.reload()

        async def status(_: control_socket.Answer) -> Mapping[str, Any]:
            return await self._metrics.stats()

        async def advance(request: control_socket.Answer) -> Mapping[str, Any]:
            if not self._settings.on_sandbox:
                raise ServiceFailed("main", "only a bot on the sandbox has a clock that can be moved.")
            await self._group.advance(float(request["seconds"]))
            return {}

        async def end(_: control_socket.Answer) -> Mapping[str, Any]:
            stop.set()
            return {}

        own = {"reload": reload, "status": status, "advance": advance, "stop": end}
        return {**own, **self._breakpoints.commands()}

    async def reload(self) -> Mapping[str, Any]:
        """Reload the bot's code; raises EntryError if it was refused and the old code keeps serving."""
        self._breakpoints.require_none_attached()
        self._follow_link()
        self._breakpoints.pass_waiting("reload")
        result = await asyncio.shield(self._group.reload())
        if result.failure is not None:
            builds = [slot.serving.generation for slot in self._group.slots if slot.serving]
            raise _entry_error(result.failure, build=max(builds, default=0))
        return _facts(result)

    def _reload_changed(self, paths: tuple[str, ...], began: float | None = None) -> None:
        """Reload for changed files, once nobody debugs a worker."""
        if not self._breakpoints.hold(paths):
            self._breakpoints.pass_waiting("reload")
            self._group.reload(paths, began)

    def _pids(self) -> set[int]:
        """Return the ids of all workers: starting, serving and draining."""
        return {worker.pid for slot in self._group.slots for worker in slot.workers.values()}

    def _debugged(self, pid: int, *, is_stopped: bool) -> None:
        for slot in self._group.slots:
            slot.debugged(pid, is_stopped=is_stopped)

    def _follow_link(self) -> None:
        """Use the directory that the project's link leads to now, from the next worker on."""
        directory = self._link.resolve()
        if directory == self._settings.project_dir or not directory.is_dir():
            return
        log.info("%s leads to %s now", self._link, directory)
        self._settings = replace(self._settings, project_dir=directory, config_digest="")
        self._group.move(self._settings)
        self._project_watch.move(directory)

    def _require_project(self, directory: str) -> None:
        if directory and directory != str(self._settings.project_dir):
            raise ServiceFailed(
                "main",
                f"it runs {self._settings.project_dir}, not {directory}.",
                hint="Restart it there, or start it from a link such as `current`, which a reload follows.",
            )

    # Events of the group (reload.swapping.group.Observer)

    def serving(self, replica: int, worker: Worker) -> None:
        """A new process serves."""
        log.debug("worker %d serves as generation %d (process %d)", replica, worker.generation, worker.pid)
        self._is_retrying = False
        if replica == 0 and worker.listening is not None:
            self._dev.send("serves", bot=worker.listening.handles)
        if self._group.is_serving:
            self._all_serving.set()
            if self._has_notice:
                self._dev.send("notice", text="")
                self._has_notice = False

    def reloaded(self, reloaded: Reloaded) -> None:
        """Log one line per reload; the first load is reported by readiness."""
        self._orphans.look_soon()
        if not reloaded.ok:
            self._metrics.refused += 1
        elif self._has_loaded:
            self._metrics.reloaded(reloaded)
            facts = _facts(reloaded)
            log.info("%s", reloaded.line(), extra={"reload": facts})
            if self._watch:
                self._dev.send("build", **facts)
        self._has_loaded = self._has_loaded or reloaded.ok

    def refused(self, replica: int, failure: Failure, *, still_serving: bool, again: float | None) -> None:
        """Log the error in the new code and its location, once if it is tried again."""
        if failure == self._last_refusal and self._is_retrying and again is not None:
            log.debug("it failed again for the same reason; the next attempt follows in %g s", again)
            return
        self._last_refusal, self._is_retrying = failure, again is not None
        if not still_serving and not self._watch and not self._has_loaded:
            return  # it becomes the error that this service exits with
        serving = self._group.slots[replica].serving
        error = _entry_error(failure, build=serving.generation if serving else 0, again=again)
        text = "\n".join(part for part in (str(error), error.details) if part)
        log.error("%s", text, extra={"reload": {"ok": False, "file": failure.file, "line": failure.line}})
        self._dev.send("notice", text=text, serving=still_serving)
        self._has_notice = True

    def crashed(self, replica: int, pid: int, code: int) -> None:
        """Log that a worker exited by itself; ws keeps its events for the next one."""
        self._orphans.look_soon()
        if code == 0:  # an orderly exit, as when the bot closes its client
            log.warning("worker %d (process %d) exited by itself; restarting it", replica, pid)
            return
        log.error(
            "worker %d (process %d) died: %s; its unfinished events are redelivered",
            replica,
            pid,
            describe_exit(code),
        )

    def hung(self, replica: int, pid: int, *, killed: bool) -> None:
        """Log that a worker's event loop is blocked."""
        log.error(
            "worker %d (process %d) has not answered for %g s (main.hang_timeout): a handler blocks its event"
            " loop, or the process is suspended; %s",
            replica,
            pid,
            self._settings.hang_timeout,
            "killing it, after its stack trace" if killed else "a reload replaces it",
        )

    def wrote(self, path: str) -> None:
        """Record that the bot wrote one of its own files."""
        self._project_watch.wrote(path)

    def sources(self, directories: tuple[str, ...], since: float) -> None:
        """Watch the directories that the bot's modules come from."""
        if self._watch:
            self._project_watch.sources(directories, since)

    def broken(self, replica: int) -> None:
        """Wait for the next change if files are watched; otherwise end with the error."""
        if self._watch:
            log.error("main is not running; fix the error and save to start it")
            return
        if self._last_refusal is not None and not self._has_loaded:
            self._failure = _entry_error(self._last_refusal)
        else:
            self._failure = ServiceFailed("main", f"worker {replica} crashed too often; it is not restarted.")
        self._group.request_stop()

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._breakpoints.stopping()
        self._group.request_stop()

    async def _announce(self, on_ready: Callable[[str], None], admin: str) -> None:
        await self._all_serving.wait()
        address = f"{self._settings.listen_host}:{self._ports[0]}"
        with announce(self._settings.state_dir, "main", address=address, admin=admin):
            on_ready(address)
            await asyncio.Event().wait()


def _spawner(settings: MainSettings, *, watch: bool) -> Spawner:
    """Return the spawner; "auto" forks only with watch, as a warm parent costs memory all the time."""
    spawn = SpawnWorkers(WORKER)
    wanted = settings.reload_method == "fork" or (settings.reload_method == "auto" and watch)
    if not wanted:
        return spawn
    if not fork.is_available():
        if settings.reload_method == "fork":
            log.warning("this system cannot fork workers safely; they start in new interpreters")
        return spawn
    directories = (str(settings.project_dir), str(settings.state_dir))
    return fork.ForkWorkers(
        Program(f"{WORKER}:run", f"{WORKER}:prepare", directories), spawn, settings.state_dir
    )


def _restarts() -> Restarts:
    failures = 0

    def after(exit_code: int, uptime: float) -> float | None:
        nonlocal failures
        decision = after_exit(
            RESTARTS, exit_code=exit_code, uptime=uptime, failures=failures, jitter=random.random()
        )
        if not isinstance(decision, Restart):
            return None
        failures = decision.failures
        return decision.delay if failures > 1 else 0.0

    return after


def _entry_error(failure: Failure, *, build: int = 0, again: float | None = None) -> EntryError:
    """Return the error for a failure; ``build`` is the generation that keeps serving, 0 for none.

    The next attempt follows in ``again`` seconds, if at all.
    """
    location = (
        f"{failure.file}:{failure.line}: " if failure.line else f"{failure.file}: " if failure.file else ""
    )
    hint = f"Still serving build #{build}." if build else ""
    if again is not None:
        hint = f"{hint} Trying again until it starts or the code changes.".lstrip()
    details = "\n\n".join(part for part in (failure.excerpt, failure.traceback) if part)
    return EntryError(f"{location}{failure.message}.".replace("..", "."), details=details, hint=hint)


def _facts(reloaded: Reloaded) -> dict[str, Any]:
    return {
        "ok": reloaded.ok,
        "files": list(reloaded.paths),
        "ms": round(reloaded.ms, 1),
        "generation": reloaded.generation,
        "events_during": reloaded.during,
        "cut_short": reloaded.cut,
        "killed": reloaded.killed,
        "line": reloaded.line(),
        "at": round(time.time(), 3),
    }
