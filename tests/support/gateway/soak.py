"""Soak test: shards of several clusters under load while the gateway injects faults."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.processes.commands import until
from support.system.clusters import Clusters
from support.system.delivery_report import Findings

__all__ = ["SoakOutcome", "SoakPlan", "run"]

FAULTS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("TCP reset", {"do": "reset"}),
    ("close 4000", {"do": "close", "code": 4000}),
    ("close 1001", {"do": "close", "code": 1001}),
    ("close 4009", {"do": "close", "code": 4009}),
    ("op 7", {"do": "reconnect"}),
    ("op 9, resumable", {"do": "invalid_session", "resumable": True}),
)
FORCED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("op 9, not resumable", {"do": "invalid_session", "resumable": False}),
)
"""Faults that force a new session; events sent until it is ready belong to neither."""
STANDING: tuple[tuple[str, dict[str, Any]], ...] = (
    ("silent resume hosts", {"silent": "resume"}),
    ("resume hosts that refuse", {"refuse": "resume"}),
    ("slow payloads", {"delay": 0.05}),
)
"""Faults that last, combined with a reset that makes shards run into them."""


@dataclass(frozen=True)
class SoakPlan:
    """``seconds`` of ``rate`` events per second, with a fault every ``every`` seconds."""

    seconds: float = 600.0
    rate: float = 200.0
    shards: int = 64
    per_cluster: int = 16
    guilds: int = 64
    every: float = 5.0
    seed: int = 1
    patience: float = 120.0


@dataclass(frozen=True)
class SoakOutcome:
    """Events sent and handled, faults injected, and IDENTIFYs beyond the start."""

    sent: int
    findings: Findings
    faults: Counter[str]
    identifies: int
    forced: int
    resumes: int
    connected: int
    shards: int

    @property
    def good(self) -> bool:
        """Whether every promise held."""
        return self.findings.good and self.identifies == self.forced and self.connected == self.shards

    def __str__(self) -> str:
        return (
            f"{self.sent} events sent, {sum(self.faults.values())} faults: {len(self.findings.lost)} lost,"
            f" {self.findings.again} redelivered and marked; {self.connected} of {self.shards} shards"
            f" connected; {self.resumes} RESUMEs; {self.identifies} IDENTIFYs,"
            f" {self.forced} of them forced by Discord"
        )


class _Gateway:
    """Injects random faults, from a seed, into one shard or all of them."""

    def __init__(self, system: Clusters, plan: SoakPlan) -> None:
        self.system = system
        self.plan = plan
        self.chance = random.Random(plan.seed)
        self.done: Counter[str] = Counter()

    def step(self) -> str:
        """Inject a fault; return its name."""
        self.system.sandbox("DELETE", "/fault")
        if self.chance.random() < 0.25:
            name, fault = self.chance.choice(STANDING)
            self.system.sandbox(
                "POST", "/fault", {"gateway": fault, "connections": self._on_one({"do": "reset"})}
            )
        else:
            name, fault = self.chance.choice(FAULTS)
            everywhere = self.chance.random() < 0.2
            self.system.sandbox(
                "POST", "/fault", {"connections": fault if everywhere else self._on_one(fault)}
            )
        self.done[name] += 1
        return name

    def force(self, shard: int) -> None:
        """Invalidate the session of one shard, which costs an IDENTIFY."""
        name, fault = FORCED[0]
        before = self.system.gateway()["identifies"]
        self.system.sandbox("POST", "/fault", {"connections": {**fault, "shard": shard}})
        until(lambda: self.system.gateway()["identifies"] > before, "a new session")
        self.done[name] += 1

    def _on_one(self, fault: dict[str, Any]) -> dict[str, Any]:
        return {**fault, "shard": self.chance.randrange(self.plan.shards)}


def run(directory: Path, plan: SoakPlan, say: Callable[[str], object] = print) -> SoakOutcome:
    """Start a sandbox, a main and clusters in ``directory``, inject faults, and report the outcome."""
    system = Clusters.ready(
        directory,
        NESCORD_SANDBOX_SHARDS=str(plan.shards),
        NESCORD_SANDBOX_GUILDS=str(plan.guilds),
        NESCORD_SANDBOX_IDENTIFY_WINDOW="0.2",
        SHARDS_PER_CLUSTER=str(plan.per_cluster),
    )
    try:
        return _soak(system, plan, say)
    finally:
        system.close()


def _soak(system: Clusters, plan: SoakPlan, say: Callable[[str], object]) -> SoakOutcome:
    gateway, before, began = _Gateway(system, plan), system.gateway(), time.monotonic()
    with system.load(rate=plan.rate, guilds=plan.guilds, seconds=plan.seconds + plan.patience) as load:
        while time.monotonic() - began < plan.seconds:
            time.sleep(plan.every)
            say(f"{time.monotonic() - began:6.1f} s  {gateway.step()}")
        system.sandbox("DELETE", "/fault")
        system.until_answers("ws", "/readyz")
        findings = load.check(plan.patience)
        sent = sum(last - first + 1 for first, last in load.sent.values())
    # Without load: events sent while a new session is starting belong to no session, as on Discord.
    gateway.force(shard=plan.shards - 1)
    system.until_answers("ws", "/readyz")
    after, shards = system.gateway(), system.stats("ws")["shards"]
    return SoakOutcome(
        sent=sent,
        findings=findings,
        faults=gateway.done,
        identifies=after["identifies"] - before["identifies"],
        forced=sum(gateway.done[name] for name, _ in FORCED),
        resumes=after["resumes"] - before["resumes"],
        connected=sum(shard["connected"] for shard in shards),
        shards=plan.shards,
    )
