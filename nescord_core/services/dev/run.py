"""Runs `nescord dev` and `nescord run all`: sandbox, rest, main and ws under one supervisor."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

from nescord_core.bot.libraries.installed import require_discordpy
from nescord_core.config import Config, load, unread_files
from nescord_core.process.orphans import adopt
from nescord_core.services.control import control_socket
from nescord_core.services.control.exclusive_lock import was_not_released
from nescord_core.services.dev import plan
from nescord_core.services.dev.commands import DevCommands, Replan
from nescord_core.services.dev.free_ports import OffsetChoice, choose_offset, until_free
from nescord_core.services.dev.signals import stop_on_signals
from nescord_core.services.dev.start_report import StartReport
from nescord_core.services.dev.terminal_keys import TerminalKeys
from nescord_core.services.service_process import one_error
from nescord_core.supervisor.output import Output, Redaction
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.supervisor.supervisor import Outcome, Supervisor
from nescord_core.supervisor.systemd import SystemdNotifier

__all__ = ["run_all", "run_dev"]

AFTER_KILL = 20.0
"""Seconds for services to end after their supervisor was killed; longer than any of their time-outs."""


@dataclass(frozen=True, slots=True)
class RunMode:
    """A way to run the services together: the command, its name in the output, whether main watches files."""

    name: str
    own: str
    watch: bool


DEV = RunMode("nescord dev", "dev", watch=True)
ALL = RunMode("nescord run all", "all", watch=False)


async def run_all(config: Config, *, json: bool = False, port_offset: int = 0) -> int:
    """Run rest, main and ws until a signal, `nescord stop` or a permanent failure.

    Returns and raises as `run_dev` does.
    """
    return await run_dev(config, sandbox=False, json=json, port_offset=port_offset, mode=ALL)


async def run_dev(
    config: Config,
    *,
    sandbox: bool | None = None,
    json: bool = False,
    exec_cmd: Sequence[str] | None = None,
    port_offset: int | None = 0,
    file: TextIO | None = None,
    environ: Mapping[str, str] | None = None,
    mode: RunMode = DEV,
) -> int:
    """Run the services until a signal, `nescord stop`, the end of ``exec_cmd`` or a permanent failure.

    If ``sandbox`` is None, the sandbox is used when there is no token. If ``port_offset`` is None, it is the
    smallest at which all ports are free. ``file`` (default: stdout) receives
    the output of all services, as JSON lines if ``json``. ``exec_cmd`` starts in the working directory once
    all services are ready. Returns the exit code: 0 after an orderly stop, that of ``exec_cmd``, 2 if a
    service rejects its configuration, otherwise 1. The reason for a failure is printed to stderr.

    Raises:
        ConfigError: the configuration is wrong, or discord.py does not work here.
        AlreadyRunning: another `nescord dev` uses this state_dir.
        PortTaken: another process listens on an address of the services.

    """
    environ = dict(os.environ if environ is None else environ)
    notifier = SystemdNotifier.from_environment(environ)
    choice = OffsetChoice(port_offset or 0)
    if port_offset is None:
        choice = choose_offset(config, sandbox=sandbox)
    _, with_sandbox = plan.effective(config, sandbox=sandbox, port_offset=choice.offset)

    if with_sandbox:
        require_discordpy("the sandbox")

    def planned(given: Config) -> tuple[Config, list[ServiceSpec]]:
        moved, _ = plan.effective(given, sandbox=with_sandbox, port_offset=choice.offset)
        return moved, plan.plan(
            moved,
            sandbox=with_sandbox,
            environ=environ,
            command=exec_cmd or (),
            directory=Path.cwd(),
            as_json=json,
            watch=mode.watch,
        )

    settings, specs = planned(config)
    output = _output(specs, settings, file or sys.stdout, mode.own, json=json)
    if choice.taken is not None:
        by = f" by {choice.holder}" if choice.holder else ""
        moved = f"all ports are moved by {choice.offset} (--strict-port refuses instead)"
        output.say(f"{choice.taken.address} is taken{by}; {moved}")
    page = f"http://{settings.sandbox.host}:{settings.sandbox.port}/" if with_sandbox else ""
    keys = mode.watch and not (json or exec_cmd or file) and sys.stdin.isatty()
    report = StartReport(output, page, notifier, keys=keys)
    supervisor = Supervisor(specs, output=output, on_change=report.update)
    output.on_closed = supervisor.request_stop
    run = _Run(supervisor, output, settings, page, notifier, mode, keys=keys)
    adopt()
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
    """One run, from the control socket to the last process. ``page`` is empty without a sandbox."""

    supervisor: Supervisor
    output: Output
    settings: Config
    page: str
    notifier: SystemdNotifier
    mode: RunMode
    keys: bool

    async def supervise(self, replan: Replan) -> Outcome:
        settings = self.settings
        patience = AFTER_KILL if was_not_released(settings.state_dir, control_socket.DEV) else 0.0
        try:
            async with asyncio.TaskGroup() as tasks:
                commands = DevCommands(self.supervisor, self.output, settings, self.page, replan, tasks)
                name = self.mode.name
                async with control_socket.serve_control(
                    settings.state_dir, commands.commands(), service=name
                ):
                    with stop_on_signals(self.supervisor, self.output) as signals:
                        addresses = plan.listeners(settings, sandbox=bool(self.page))
                        await until_free(addresses, self.output, patience, signals)
                        return await self._run(commands)
        finally:
            self.output.close()

    async def _run(self, commands: DevCommands) -> Outcome:
        for name in unread_files(self.settings.project):
            self.output.say(
                f"{name} is not a regular file and is not read; set its variables in the environment"
            )
        if self.page:
            await _forget_sessions(self.settings)
        watchdog = commands.tasks.create_task(self.notifier.keep_awake(), name="watchdog")
        try:
            if not self.keys:
                return await self.supervisor.run()
            keys = commands.keys = TerminalKeys(commands.pressed)
            async with keys.listening():
                return await self.supervisor.run()
        finally:
            watchdog.cancel()
            commands.close()


async def _forget_sessions(settings: Config) -> None:
    """Forget saved sessions: a new sandbox knows none, so a RESUME would only delay the IDENTIFY."""
    from nescord_core.gateway.session_store import DiskSessionStore

    async with DiskSessionStore(settings.state_dir, settings.require_token()) as sessions:
        await sessions.forget()
