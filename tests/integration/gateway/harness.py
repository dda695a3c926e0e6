"""Runs a cluster against a scripted gateway."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from nescord_core.envelope import Envelope
from nescord_core.gateway.cluster import Cluster
from nescord_core.gateway.envelopes import EventSink
from nescord_core.gateway.identify.gate import LocalIdentifyGate
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.session_store import MemorySessionStore, SessionStore
from nescord_core.settings import WsSettings

TOKEN = "a.secret.token"


def ws_settings(**changes: Any) -> WsSettings:
    quick: dict[str, Any] = {
        "token": TOKEN,
        "intents": 513,
        "compress": "none",
        "identify_window": 0.05,
        "hello_timeout": 0.5,
        "ready_timeout": 0.5,
        "connect_timeout": 0.5,
        "close_timeout": 0.3,
        "reconnect_delay": 0.05,
        "reconnect_cap": 0.1,
        "invalid_session_wait": (0.02, 0.1),
        "watermark_interval": 0.02,
    }
    return WsSettings(**{**quick, **changes})


@dataclass
class Running:
    cluster: Cluster
    events: list[Envelope]
    skipped: list[tuple[int, str, int]]
    store: SessionStore
    aside: list[tuple[Envelope, str]]
    task: asyncio.Task[None] | None = None
    extra: dict[str, Any] = field(default_factory=dict)

    def types(self) -> list[str]:
        return [event.type for event in self.events]

    async def until(self, what: Callable[[], bool], timeout: float = 15.0) -> None:
        async with asyncio.timeout(timeout):
            while not what():
                if self.task is not None and self.task.done():
                    self.task.result()
                    assert what(), "the cluster ended before it happened"
                await asyncio.sleep(0.005)

    async def seen(self, type_: str, number: int = 1) -> None:
        await self.until(lambda: self.types().count(type_) >= number)


@asynccontextmanager
async def running(
    url: str,
    *,
    shards: int = 1,
    store: SessionStore | None = None,
    limit: SessionStartLimit | None = None,
    crash: bool = False,
    **changes: Any,
) -> AsyncIterator[Running]:
    """Run a cluster; at the end stop it gracefully, or with ``crash`` cancel it."""
    settings = ws_settings(**changes)
    gate = LocalIdentifyGate(
        limit or SessionStartLimit(),
        window=settings.identify_window,
        reserve=settings.identify_reserve,
        clock=time.monotonic,
    )
    events: list[Envelope] = []
    skipped: list[tuple[int, str, int]] = []
    aside: list[tuple[Envelope, str]] = []
    sessions = store or MemorySessionStore()
    cluster = Cluster(
        settings,
        shard_ids=range(shards),
        shard_count=shards,
        sink=EventSink(
            events.append,
            skipped=lambda *args: skipped.append(args),
            set_aside=lambda envelope, why: aside.append((envelope, why)),
        ),
        sessions=sessions,
        identify=gate,
        gateway_url=url,
    )
    run = Running(cluster, events, skipped, sessions, aside)
    async with asyncio.TaskGroup() as tasks:
        run.task = tasks.create_task(_outcome(cluster, run))
        try:
            yield run
        finally:
            if crash:
                run.task.cancel()
            else:
                cluster.request_stop()


async def _outcome(cluster: Cluster, run: Running) -> None:
    try:
        await cluster.run()
    except Exception as error:
        run.extra["error"] = error
