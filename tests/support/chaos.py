"""Breaks a running system every few seconds in a way that a seed chooses, and says what came of it."""

from __future__ import annotations

import os
import random
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from support import commands
from support.commands import Started, until
from support.ledger import Findings
from support.system import System

__all__ = ["Outcome", "Plan", "run"]


@dataclass(frozen=True)
class Plan:
    """``seconds`` of ``rate`` events a second over ``guilds``; something breaks every ``every`` seconds."""

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
    """What was sent and handled, what is wrong with it, and what was done to the system."""

    sent: int
    findings: Findings
    identifies: int
    actions: list[str]

    def __str__(self) -> str:
        found = self.findings
        return (
            f"{self.sent} events sent, {len(self.actions)} times something broken: {len(found.lost)} lost,"
            f" {len(found.reordered)} out of order, {len(found.doubled_unmarked)} doubled without a mark,"
            f" {found.again} redelivered and marked, {self.identifies} IDENTIFYs beyond the start"
        )


class _Chaos:
    """One way to break something a step."""

    def __init__(self, system: System, dev: Started, seed: int) -> None:
        self.system = system
        self.dev = dev
        self.chance = random.Random(seed)
        self.version = 0
        self.stopped: list[int] = []

    def step(self) -> str:
        """Break something; returns what."""
        self.wake()
        if self.dev.process.poll() is not None:
            self.dev = self.system.start("dev", "--no-sandbox")
            return "start the supervisor again"
        ways: list[Callable[[], str]] = [
            self.kill,
            self.kill,
            self.freeze,
            self.fault,
            self.fault,
            self.reload,
        ]
        return self.chance.choice([*ways, self.reload, self.kill_supervisor])()

    def wake(self) -> None:
        """Let go on what was stopped."""
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

    def kill(self) -> str:
        victims = self._victims()
        if not victims:
            return "nothing is there to be killed"
        name = self.chance.choice(sorted(victims))
        how = self.chance.choice((signal.SIGKILL, signal.SIGKILL, signal.SIGTERM))
        _send(victims[name], how)
        return f"{how.name} to {name}"

    def freeze(self) -> str:
        victims = {name: pid for name, pid in self._victims().items() if " " in name}
        if not victims:
            return "nothing is there to be stopped"
        name = self.chance.choice(sorted(victims))
        self.stopped.append(victims[name])
        _send(victims[name], signal.SIGSTOP)
        time.sleep(2.0)  # and the pause until the next step: about five seconds
        return f"SIGSTOP of {name}"

    def fault(self) -> str:
        ways = ({"do": "reset"}, {"do": "reconnect"}, {"do": "invalid_session", "resumable": True})
        way = self.chance.choice(ways)
        self.system.sandbox("POST", "/fault", {"connections": way})
        return f"gateway: {way['do']}"

    def reload(self) -> str:
        if self.chance.random() < 0.3:
            self.system.break_app()
            return "reload with broken code"
        self.version += 1
        self.system.write_app(f"v{self.version}", "asynchronous")
        return "reload"

    def kill_supervisor(self) -> str:
        self.dev.kill()
        return "kill the supervisor"


def _send(pid: int, signum: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signum)


def run(directory: Path, plan: Plan, say: Callable[[str], object] = print) -> Outcome:
    """Start a system in ``directory``, break it for as long as the plan says, and look back."""
    system = System(directory)
    ports = commands.free_ports(plan.workers)
    system.environ |= {
        "NESCORD_SANDBOX_GUILDS": str(plan.guilds),
        "NESCORD_WORKERS": str(plan.workers),
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{ports[0]}",
        "GRPC_HOST": ",".join(f"127.0.0.1:{port}" for port in ports),
        "DISCORD_SHARDS": str(plan.clusters),
        "SHARDS_PER_CLUSTER": "1",
        "NESCORD_IDENTIFY_WINDOW": "0.2",
        "NESCORD_SANDBOX_IDENTIFY_WINDOW": "0.1",
    }
    system.write_app("v0", "asynchronous")
    try:
        system.start_sandbox()
        chaos = _Chaos(system, system.start_dev(), plan.seed)
        return _break(system, chaos, plan, say)
    finally:
        system.close()


def _break(system: System, chaos: _Chaos, plan: Plan, say: Callable[[str], object]) -> Outcome:
    before, actions = system.gateway()["identifies"], []
    began = time.monotonic()
    with system.load(rate=plan.rate, guilds=plan.guilds, seconds=plan.seconds + plan.patience) as load:
        while time.monotonic() - began < plan.seconds:
            time.sleep(plan.every)
            actions.append(chaos.step())
            say(f"{time.monotonic() - began:6.1f} s  {actions[-1]}")
        chaos.wake()
        system.write_app("last", "asynchronous")
        if chaos.dev.process.poll() is not None:
            chaos.dev = system.start("dev", "--no-sandbox")
        until(lambda: system.stats("ws") is not None, "ws", plan.patience)
        findings = load.check(plan.patience)
    sent = sum(last - first + 1 for first, last in load.sent.values())
    return Outcome(sent, findings, system.gateway()["identifies"] - before, actions)
