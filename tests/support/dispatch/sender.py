"""ws's real Sender, connected to a main that a test runs."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.envelope import Envelope
from nescord_core.settings import WsSettings

__all__ = ["event", "sending"]


def event(seq: int, guild: int, type_: str = "MESSAGE_CREATE", **data: Any) -> Envelope:
    content = json.dumps({"n": seq, **data}).encode()
    return Envelope(0, "session", seq, type_, guild, guild, content, time.time())


@asynccontextmanager
async def sending(port: int, command: Callable[..., Any]) -> AsyncIterator[tuple[Sender, list[int]]]:
    acknowledged: list[int] = [0]
    sender = Sender(
        WsSettings(
            token="", intents=0, grpc_hosts=(f"127.0.0.1:{port}",), watermark_interval=0.02, outbox_disk_mb=0
        ),
        hello=HelloFacts(cluster="c", shard_ids=(0,), shard_count=1),
        acknowledged=lambda shard, session, seq: acknowledged.append(seq),
        command=command,
    )
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(sender.run())
        yield sender, acknowledged
        running.cancel()
