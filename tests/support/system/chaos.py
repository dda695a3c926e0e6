"""Injects a random fault into a running system every few seconds, by a seed, and reports the result."""

from __future__ import annotations

import json
import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from nescord_core.tracing.failed_events import CRASHED, read
from support.network.tcp_relay import RelayThread, running_relays
from support.processes import commands
from support.processes.commands import Started, until
from support.system.delivery_report import Findings
from support.system.system import System

__all__ = ["Outcome", "Plan", "run"]


@dataclass(frozen=True)
class Plan:
    """``seconds`` of ``rate`` events a second over ``guilds``, with a fault every ``every`` seconds."""

    seconds: float = 600.0
    rate: float = 1000.0
    guilds: int = 200
    workers: int = 3
    clusters: int = 2
    every: float = 3.0
    seed: int = 1
    patience: float = 120.0


@dataclass(frozen=True)
class Outcome:
    """The events sent and handled, the findings, and the faults."""

    sent: int
    handled: int
    set_aside: int
    waiting: int
    findings: Findings
    identifies: int
    resumes: int
    actions: list[str]

    def __str__(self) -> str:
        found = self.findings
        numbers = {
            "events sent": self.sent,
            "handled": self.handled,
            "set aside, to be replayed": self.set_aside,
            "still waiting in ws": self.waiting,
            "lost": len(found.lost),
            "out of order": len(found.reordered),
            "handled twice unmarked": len(found.doubled_unmarked),
            "redelivered and marked": found.again,
            "IDENTIFYs beyond the start": self.identifies,
            "RESUMEs": self.resumes,
            "faults": len(self.actions),
        }
        return "\n".join(f"{name:<28}{number:>9,}" for name, number in numbers.items())


class _Chaos:
    """Injects one fault per step; every kind occurs once before any repeats."""

    def __init__(self, system: System, dev: Started, relays: RelayThread, seed: int) -> None:
        self.system = system
        self.dev = dev
        self.relays = relays
        self.chance = random.Random(seed)
        self.version = 0
        self.stopped: list[int] = []
        self.is_leaving = False
        self._remaining: list[Callable[[], str]] = []

    def step(self) -> str:
        """Inject a fault; return its description."""
        self.wake()
        if self.dev.process.poll() is not None:
            self._start_supervisor()
            return "start the supervisor again"
        if not self._remaining:
            self._remaining = self._faults()
            self.chance.shuffle(self._remaining)
        return self._remaining.pop()()

    def _faults(self) -> list[Callable[[], str]]:
        return [
            partial(self.kill, signal.SIGKILL, "worker"),
            partial(self.kill, signal.SIGKILL, "cluster"),
            partial(self.kill, self._kill_or_term(), ""),
            partial(self.kill, self._kill_or_term(), ""),
            partial(self.kill_supervisor, self._kill_or_term()),
            self.freeze,
            partial(self.fault, {"do": "reset"}, "connection dropped"),
            partial(self.fault, {"do": "reconnect"}, "op 7"),
            partial(self.fault, {"do": "invalid_session", "resumable": True}, "op 9 true"),
            partial(self.reset_stream, in_the_middle=False),
            partial(self.reset_stream, in_the_middle=True),
            self.reload,
            self.reload_broken,
        ]

    def wake(self) -> None:
        """Continue the stopped processes."""
        while self.stopped:
            _send(self.stopped.pop(), signal.SIGCONT)

    def _victims(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for name in ("main", "ws", "rest"):
            with suppress(OSError, ValueError, KeyError):
                found[name] = self.system.pid_of(name)
        main, ws = self.system.stats("main"), self.system.stats("ws")
        for worker in (main or {}).get("workers", ()):
            if worker.get("pid"):
                found[f"worker {worker['replica']}"] = worker["pid"]
        for cluster in (ws or {}).get("clusters", ()):
            if cluster.get("pid"):
                found[f"cluster {cluster['cluster']}"] = cluster["pid"]
        return found

    def _kill_or_term(self) -> signal.Signals:
        return self.chance.choice((signal.SIGKILL, signal.SIGTERM))

    def _victim(self, kind: str = "") -> tuple[str, int]:
        """Choose a process; after the last fault it may take a while until there is one."""
        end = time.monotonic() + 20.0
        while not (victims := {name: pid for name, pid in self._victims().items() if name.startswith(kind)}):
            if time.monotonic() > end:
                return "nothing", 0
            time.sleep(0.2)
        name = self.chance.choice(sorted(victims))
        return name, victims[name]

    def kill(self, how: signal.Signals, kind: str) -> str:
        name, pid = self._victim(kind)
        if pid:
            _send(pid, how)
        return f"{how.name} to {name}"

    def freeze(self) -> str:
        name, pid = self._victim()
        if pid:
            self.stopped.append(pid)
            _send(pid, signal.SIGSTOP)
            time.sleep(2.0)  # with the pause until the next step: about five seconds
        return f"SIGSTOP of {name}"

    def fault(self, way: dict[str, object], name: str) -> str:
        self.system.sandbox("POST", "/fault", {"connections": way})
        return f"gateway: {name}"

    def reset_stream(self, *, in_the_middle: bool) -> str:
        number = self.chance.randrange(len(self.relays.relays))
        self.relays.reset(number, in_the_middle=in_the_middle)
        return f"reset of the streams to worker {number}{' within a batch' if in_the_middle else ''}"

    def reload_broken(self) -> str:
        self.system.break_app()
        return "reload with broken code"

    def reload(self) -> str:
        self.version += 1
        self.system.write_app(f"v{self.version}", "asynchronous")
        return "reload"

    def kill_supervisor(self, how: signal.Signals) -> str:
        self.is_leaving = True
        _send(self.dev.process.pid, how)
        return f"{how.name} to the supervisor"

    def start_again(self, patience: float) -> None:
        """Make sure that a supervisor runs and ws answers."""
        if self.is_leaving:  # its services may still answer, but they are about to stop
            self.dev.process.wait(patience)

        def answers() -> bool:
            if self.dev.process.poll() is not None:
                self._start_supervisor()
            return self.system.stats("ws") is not None

        until(answers, "ws", patience)

    def _start_supervisor(self) -> None:
        self.dev = self.system.start("dev", "--no-sandbox")
        self.is_leaving = False


def _send(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def run(directory: Path, plan: Plan, say: Callable[[str], object] = print) -> Outcome:
    """Start a system in ``directory``, inject faults as planned, and check the delivery."""
    system = System(directory)
    ports = commands.free_ports(plan.workers)
    system.environ |= {
        "NESCORD_SANDBOX_GUILDS": str(plan.guilds),
        "NESCORD_WORKERS": str(plan.workers),
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{ports[0]}",
        "DISCORD_SHARDS": str(plan.clusters),
        "SHARDS_PER_CLUSTER": "1",
        "NESCORD_IDENTIFY_WINDOW": "0.2",
        "NESCORD_SANDBOX_IDENTIFY_WINDOW": "0.1",
    }
    system.write_app("v0", "asynchronous")
    with running_relays(ports) as relays:
        system.environ["GRPC_HOST"] = ",".join(relay.address for relay in relays.relays)
        try:
            system.start_sandbox()
            # On a busy machine the bot may be minutes behind.
            system.sandbox("POST", "/settings", {"replay_events": 10_000_000})
            chaos = _Chaos(system, system.start_dev(), relays, plan.seed)
            return _inject(system, chaos, plan, say)
        finally:
            system.close()


def _inject(system: System, chaos: _Chaos, plan: Plan, say: Callable[[str], object]) -> Outcome:
    before, actions = system.gateway(), list[str]()
    began = time.monotonic()
    with system.load(rate=plan.rate, guilds=plan.guilds, seconds=plan.seconds + plan.patience) as load:
        while time.monotonic() - began < plan.seconds:
            time.sleep(plan.every)
            actions.append(chaos.step())
            say(f"{time.monotonic() - began:6.1f} s  {actions[-1]}")
        chaos.wake()
        system.write_app("last", "asynchronous")
        chaos.start_again(plan.patience)
        findings = load.check(plan.patience, lambda: _set_aside(system, load.name))
        handled = len({(record.guild, record.number) for record in load.records()})
        aside = _set_aside(system, load.name)
        until(lambda: system.stats("ws") is not None, "ws", plan.patience)
        stats = system.stats("ws") or {}
    after = system.gateway()
    return Outcome(
        sent=sum(last - first + 1 for first, last in load.sent.values()),
        handled=handled,
        set_aside=len(aside),
        waiting=stats.get("outbox", {}).get("depth", 0),
        findings=replace(findings, lost=[key for key in findings.lost if key not in aside]),
        identifies=after["identifies"] - before["identifies"],
        resumes=after["resumes"] - before["resumes"],
        actions=actions,
    )


def _set_aside(system: System, load: str) -> set[tuple[str, int]]:
    """Return the events in flight when three processes were killed in a row: set aside, not lost."""
    found = set()
    for record in read(system.directory / ".nescord"):
        if record.kind == CRASHED and record.data is not None:
            message = json.loads(record.data)
            name, _, number = message.get("content", "").partition(" ")
            if name == load:
                found.add((message["guild_id"], int(number)))
    return found
