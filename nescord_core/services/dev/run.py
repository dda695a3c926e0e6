"""`nescord dev` and `nescord run all`: sandbox, rest, main and ws as processes under one supervisor."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from rich.table import Table

from nescord_core.config.loading import Config, load
from nescord_core.errors import PortTaken
from nescord_core.process.ports import refusal
from nescord_core.services.control import control_socket
from nescord_core.services.control.exclusive_lock import was_not_released
from nescord_core.services.dev import keys as dev_keys
from nescord_core.services.dev import plan
from nescord_core.services.dev.requests import DevCommands, Replan, facts
from nescord_core.services.program import one_error
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.output import Output, Redaction
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.supervisor import Outcome, ServiceView, Supervisor
from nescord_core.supervisor.systemd import SystemdNotifier

__all__ = ["run_all", "run_dev"]

STOP_SIGNALS = ("SIGINT", "SIGTERM", "SIGHUP")
AFTER_KILL = 20.0
"""Seconds that services get to end after their supervisor was killed; longer than any of their time-outs."""
RETRY = 0.1


@dataclass(frozen=True, slots=True)
class RunMode:
    """How services are run together: the command, its name in the output, and whether main watches files."""

    name: str
    own: str
    watch: bool


DEV = RunMode("nescord dev", "dev", watch=True)
ALL = RunMode("nescord run all", "all", watch=False)


async def run_all(config: Config, *, json: bool = False, port_offset: int = 0) -> int:
    """Run rest, main and ws until a signal, `nescord stop` or a service that is given up, as `run_dev` does.

    Raises what it raises.
    """
    return await run_dev(config, sandbox=False, json=json, port_offset=port_offset, manner=ALL)


async def run_dev(
    config: Config,
    *,
    sandbox: bool | None = None,
    json: bool = False,
    exec_cmd: Sequence[str] | None = None,
    port_offset: int = 0,
    file: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    manner: RunMode = DEV,
) -> int:
    """Run everything until a signal, `nescord stop`, the end of ``exec_cmd``, or a service that is given up.

    ``sandbox`` of None means: if there is no token. ``file`` (default: stdout) gets everybody's output, as
    JSON lines if ``json``. ``exec_cmd`` starts in the working directory once all services are ready. Returns
    the exit code: 0 after an orderly stop, that of ``exec_cmd``, 2 when a service finds its configuration
    wrong, else 1. What a service was given up for is printed to stderr.

    Raises:
        ConfigError: what reading the configuration can tell.
        AlreadyRunning: another `nescord dev` uses this state_dir.
        PortTaken: somebody listens on an address of ours.

    """
    environ = dict(os.environ if environ is None else environ)
    notifier = SystemdNotifier.from_environment(environ)
    _, with_sandbox = plan.effective(config, sandbox=sandbox, port_offset=port_offset)

    def planned(given: Config) -> tuple[Config, list[ServiceSpec]]:
        moved, _ = plan.effective(given, sandbox=with_sandbox, port_offset=port_offset)
        return moved, plan.plan(
            moved,
            sandbox=with_sandbox,
            environ=environ,
            command=exec_cmd or (),
            directory=Path.cwd(),
            as_json=json,
            watch=manner.watch,
        )

    settings, specs = planned(config)
    output = _output(specs, settings, file or sys.stdout, manner.own, json=json)
    page = f"http://{settings.sandbox.host}:{settings.sandbox.port}/" if with_sandbox else ""
    keys = manner.watch and not (json or exec_cmd or file) and sys.stdin.isatty()
    welcome = _StartReport(output, page, notifier, keys=keys)
    supervisor = Supervisor(specs, output=output, on_change=welcome.look)
    output.on_closed = supervisor.request_stop
    run = _Run(supervisor, output, settings, page, notifier, manner, keys=keys)
    with one_error():
        outcome = await run.supervise(lambda: planned(load(config.project, environ=environ)))
    if outcome.failure is not None:
        print(f"Error: {outcome.failure}", file=sys.stderr)
    return outcome.exit_code


def _output(specs: Iterable[ServiceSpec], settings: Config, file: TextIO, own: str, *, json: bool) -> Output:
    return Output(
        file,
        names=[spec.name for spec in specs],
        own=own,
        now=time.time,
        as_json=json,
        log_dir=settings.state_dir / "logs",
        redact=Redaction(plan.secrets(settings)),
    )


@dataclass(frozen=True)
class _Run:
    """One run, from taking the control socket to its last process. ``page`` is empty without a sandbox."""

    supervisor: Supervisor
    output: Output
    settings: Config
    page: str
    notifier: SystemdNotifier
    manner: RunMode
    keys: bool

    async def supervise(self, replan: Replan) -> Outcome:
        settings = self.settings
        patience = AFTER_KILL if was_not_released(settings.state_dir, control_socket.DEV) else 0.0
        try:
            async with asyncio.TaskGroup() as tasks:
                commands = DevCommands(self.supervisor, self.output, settings, self.page, replan, tasks)
                name = self.manner.name
                async with control_socket.serve_control(
                    settings.state_dir, commands.commands(), service=name
                ):
                    with _signals(self.supervisor, self.output) as signals:
                        addresses = plan.listeners(settings, sandbox=bool(self.page))
                        await _until_free(addresses, self.output, patience, signals)
                        return await self._run(commands)
        finally:
            self.output.close()

    async def _run(self, commands: DevCommands) -> Outcome:
        if self.page:
            await _forget_sessions(self.settings)
        waking = commands.tasks.create_task(self.notifier.keep_awake(), name="watchdog")
        try:
            if not self.keys:
                return await self.supervisor.run()
            with dev_keys.listening(commands.pressed):
                return await self.supervisor.run()
        finally:
            waking.cancel()
            commands.close()


async def _forget_sessions(settings: Config) -> None:
    """A sandbox starts with an empty memory: a RESUME would only cost the wait before IDENTIFY."""
    from nescord_core.gateway.session_store import DiskSessionStore

    async with DiskSessionStore(settings.state_dir, settings.require_token()) as sessions:
        await sessions.forget()


class _StartReport:
    """Shows the table of services once, when all of them are ready, and tells systemd how they are."""

    def __init__(self, output: Output, page: str, notifier: SystemdNotifier, *, keys: bool) -> None:
        self._output = output
        self._keys = keys
        self._page = page
        self._notifier = notifier
        self._shown = False
        self._is_stopping = False

    def look(self, views: list[ServiceView], *, stopping: bool) -> None:
        services = [view for view in views if not view.task]
        status = ", ".join(f"{view.name} {view.state.value}" for view in services)
        self._notifier.tell(
            f"STATUS={status}", *(["STOPPING=1"] if stopping and not self._is_stopping else [])
        )
        self._is_stopping = stopping
        if self._shown or any(view.state is not State.READY for view in services):
            return
        self._shown = True
        self._notifier.tell("READY=1")
        told = {view.name: {**facts(view), "start_ms": view.start_ms} for view in services}
        self._output.show(self._text(services), service=self._output.own, message="ready", services=told)

    def _text(self, services: list[ServiceView]) -> str:
        table = Table(box=None, pad_edge=False)
        for title in ("service", "pid", "address", "state", "ms"):
            table.add_column(title, justify="right" if title in ("pid", "ms") else "left")
        for view in services:
            table.add_row(
                view.name, str(view.pid), view.address, view.state.value, f"{view.start_ms or 0:.0f}"
            )
        keys = ", h shows the keys" if self._keys else ""
        page = f"Talk to the bot at {self._page}\n" if self._page else ""
        return f"\n{self._output.rendered(table)}\n{page}^C stops everything{keys}.\n"


@contextmanager
def _signals(supervisor: Supervisor, output: Output) -> Iterator[Sequence[str]]:
    """The first signal stops everything in order, the second one at once; yields their names."""
    loop = asyncio.get_running_loop()
    numbers = {name: number for name in STOP_SIGNALS if (number := getattr(signal, name, None))}
    seen: list[str] = []

    def caught(name: str) -> None:
        seen.append(name)
        if len(seen) > 1:
            output.say(f"{name} again: everything is killed")
            supervisor.kill_now()
        else:
            output.say(f"{name}: everything stops in order; once more kills")
            supervisor.request_stop()

    for name, number in numbers.items():
        loop.add_signal_handler(number, caught, name)
    try:
        yield seen
    finally:
        for number in numbers.values():
            loop.remove_signal_handler(number)


async def _until_free(
    addresses: Iterable[plan.Listener], output: Output, patience: float, signals: Sequence[str]
) -> None:
    """Raise PortTaken, but after a kill first wait for the services of that run to end."""
    loop = asyncio.get_running_loop()
    until, told = loop.time() + patience, False
    while not signals:
        try:
            _check_free(addresses)
            return
        except PortTaken:
            if loop.time() >= until:
                raise
        if not told:
            output.say("the services of a run that was killed are still ending; waiting for their ports")
            told = True
        await asyncio.sleep(RETRY)


def _check_free(listeners: Iterable[plan.Listener]) -> None:
    """Bind each address for a moment: what is taken is said before anything starts."""
    for listener in listeners:
        family = socket.AF_INET6 if ":" in listener.host else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((listener.host, listener.port))
            except OSError as error:
                raise refusal(
                    error, listener.host, listener.port, service=listener.service, key=listener.key
                ) from None
