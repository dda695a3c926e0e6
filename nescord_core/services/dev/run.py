"""Runs `nescord dev` and `nescord run all`: sandbox, rest, main and ws under one supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from nescord_core._version import __version__
from nescord_core.bot.libraries.installed import require_discordpy
from nescord_core.config import Config, load, unread_files
from nescord_core.process.orphans import adopt
from nescord_core.process.port_claims import PortClaims
from nescord_core.services.control import control_socket
from nescord_core.services.control.exclusive_lock import was_not_released
from nescord_core.services.dev import plan
from nescord_core.services.dev.commands import DevCommands, Replan
from nescord_core.services.dev.discord_identity import described, is_real
from nescord_core.services.dev.display.start import StartFacts, stopped_line
from nescord_core.services.dev.free_ports import OffsetChoice, choose_offset, until_free
from nescord_core.services.dev.saved_sessions import forget_sessions
from nescord_core.services.dev.screen import Screen
from nescord_core.services.dev.signals import stop_on_signals
from nescord_core.services.dev.start_report import StartReport
from nescord_core.services.dev.terminal_keys import TerminalKeys
from nescord_core.services.service_process import one_error
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.supervisor import Outcome, Supervisor
from nescord_core.supervisor.systemd import SystemdNotifier
from nescord_core.terminal.detection import look_of
from nescord_core.terminal.paragraphs import error_lines

__all__ = ["RunOptions", "run_all", "run_dev"]

AFTER_KILL = 20.0
"""Seconds for services to end after their supervisor was killed; longer than any of their time-outs."""

STOP_NOTICE = 0.5
"""Seconds before a terminal is told that a stop takes its time."""


@dataclass(frozen=True, slots=True)
class RunMode:
    """A way to run the services together: the command, its name in the output, whether main watches files."""

    name: str
    own: str
    watch: bool


DEV = RunMode("nescord dev", "dev", watch=True)
ALL = RunMode("nescord run all", "all", watch=False)


@dataclass(frozen=True, slots=True)
class RunOptions:
    """How to run the services.

    If ``sandbox`` is None, the sandbox is used when there is no token. If ``port_offset`` is None, it is the
    smallest at which all ports are free. ``json`` prints JSON lines. ``verbose`` shows every line; by default
    (None) a terminal shows less. ``command`` starts in the working directory once all services are ready.
    ``began`` (epoch seconds, 0: now) is what the time of the start counts from.
    """

    sandbox: bool | None = None
    port_offset: int | None = 0
    json: bool = False
    verbose: bool | None = None
    command: Sequence[str] = ()
    began: float = 0.0


async def run_all(config: Config, options: RunOptions) -> int:
    """Run rest, main and ws until a signal, `nescord stop` or a permanent failure.

    Returns and raises as `run_dev` does.
    """
    return await run_dev(config, replace(options, sandbox=False), ALL)


async def run_dev(config: Config, options: RunOptions, mode: RunMode = DEV) -> int:
    """Run the services until a signal, `nescord stop`, the end of the command or a permanent failure.

    Stdout receives the output of all services. Returns the exit code: 0 after an orderly stop, that of the
    command, 2 if a service rejects its configuration, otherwise 1. The reason for a failure is printed to
    stderr.

    Raises:
        ConfigError: the configuration is wrong, or discord.py does not work here.
        TokenRejected: Discord does not accept the token.
        AlreadyRunning: another `nescord dev` uses this state_dir.
        PortTaken: another process listens on an address of the services.

    """
    environ = dict(os.environ)
    notifier = SystemdNotifier.from_environment(environ)
    choice, claims = OffsetChoice(options.port_offset or 0), PortClaims()
    if options.port_offset is None:
        choice = choose_offset(config, sandbox=options.sandbox, claims=claims)
    effective, with_sandbox = plan.effective(config, sandbox=options.sandbox, port_offset=choice.offset)
    # Also with an offset of a person's choice: a `nescord dev` that chooses by itself keeps away from these.
    claims.take(listener.port for listener in plan.listeners(effective, sandbox=with_sandbox))

    if with_sandbox:
        require_discordpy("the sandbox")

    def planned(given: Config) -> tuple[Config, list[ServiceSpec]]:
        moved, _ = plan.effective(given, sandbox=with_sandbox, port_offset=choice.offset)
        return moved, plan.plan(
            moved,
            sandbox=with_sandbox,
            environ=environ,
            command=options.command,
            directory=Path.cwd(),
            as_json=options.json,
            watch=mode.watch,
        )

    settings, specs = planned(config)
    keys = mode.watch and not (options.json or options.command) and sys.stdin.isatty()
    screen = Screen.of(sys.stdout, mode.own, specs, settings, as_json=options.json, verbose=options.verbose)
    page = f"http://{settings.sandbox.host}:{settings.sandbox.port}/" if with_sandbox else ""
    about = StartFacts(
        __version__,
        project=str(config.project),
        entry=_file_of(settings),
        page=page,
        discord="" if page else await described(settings, ask=mode.watch),
        warns=not page and is_real(settings["discord.api_url"]) and mode.watch,
        keys=keys,
    )
    report = StartReport(screen.output, about, notifier, began=options.began or time.time(), look=screen.look)
    supervisor = Supervisor(specs, output=screen.output, on_change=report.update)
    screen.output.on_closed = supervisor.request_stop
    run = _Run(supervisor, screen, report, settings, page, notifier, mode, keys=keys, choice=choice)
    adopt()
    with one_error(), closing(claims):
        outcome = await run.supervise(lambda: planned(load(config.project, environ=environ)))
    if outcome.failure is not None:
        print("\n".join(error_lines(str(outcome.failure), look_of(sys.stderr))), file=sys.stderr)
    return outcome.exit_code


@dataclass(frozen=True)
class _Run:
    """One run, from the control socket to the last process. ``page`` is empty without a sandbox."""

    supervisor: Supervisor
    screen: Screen
    report: StartReport
    settings: Config
    page: str
    notifier: SystemdNotifier
    mode: RunMode
    keys: bool
    choice: OffsetChoice

    async def supervise(self, replan: Replan) -> Outcome:
        settings, output = self.settings, self.screen.output
        patience = AFTER_KILL if was_not_released(settings.state_dir, control_socket.DEV) else 0.0
        try:
            async with asyncio.TaskGroup() as tasks:
                commands = DevCommands(
                    self.supervisor, self.screen, self.report, settings, self.page, replan, tasks
                )
                name = self.mode.name
                async with control_socket.serve_control(
                    settings.state_dir, commands.commands(), service=name
                ):
                    wait = STOP_NOTICE if self.screen.is_quiet else 0.0
                    with stop_on_signals(self.supervisor, output, patience=wait) as signals:
                        addresses = plan.listeners(settings, sandbox=bool(self.page))
                        await until_free(addresses, output, patience, signals)
                        return await self._run(commands)
        finally:
            output.close()

    async def _run(self, commands: DevCommands) -> Outcome:
        if moved := self.choice.notice():
            self.screen.output.say(moved)
        for name in unread_files(self.settings.project):
            self.screen.output.say(
                f"{name} is not a regular file and is not read; set its variables in the environment"
            )
        if self.page:
            await forget_sessions(self.settings)
        watchdog = commands.tasks.create_task(self.notifier.keep_awake(), name="watchdog")
        try:
            self.report.begin()
            if not self.keys:
                return await self._until_stopped()
            keys = commands.keys = TerminalKeys(commands.pressed)
            async with keys.listening():
                return await self._until_stopped()
        finally:
            watchdog.cancel()
            commands.close()

    async def _until_stopped(self) -> Outcome:
        outcome = await self.supervisor.run()
        if outcome.failure is None:
            self.screen.output.say(stopped_line(self.supervisor.stopped_in))
        return outcome


def _file_of(settings: Config) -> str:
    """Return the file of the bot's entry point, or else its module."""
    entry: str = settings["main.entry"]
    module = entry.partition(":")[0].replace(".", "/")
    places = (entry, f"{module}.py", f"{module}/__init__.py")
    return next((place for place in places if (settings.project / place).is_file()), entry)
