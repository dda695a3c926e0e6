"""A minimal main and a minimal ws, for tests of the protocol between them.

Run as a program it is a main process that writes what it handled to a file:
``python peers.py PORT STATE_DIR OUTPUT GENERATION DELAY [REPLICA]``; SIGTERM drains it.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from nescord_core.dispatch.receiver.receiver import Delivery, Receiver
from nescord_core.dispatch.sender.sender import HelloFacts, Sender
from nescord_core.envelope import Envelope
from nescord_core.errors import GatewayCommandError
from nescord_core.settings import MainSettings, WsSettings

__all__ = ["Main", "Ws", "event", "handled", "until"]

PAYLOAD = b'{"content":"' + b"x" * 1170 + b'"}'


def event(
    seq: int,
    *,
    guild: int = 1,
    session: str = "s",
    shard: int = 0,
    kind: str = "MESSAGE_CREATE",
    data: bytes = b"{}",
) -> Envelope:
    """Return an envelope as ws creates it."""
    return Envelope(shard, session, seq, kind, guild, guild, data, 1_700_000_000.0)


async def until(condition: Callable[[], object], *, seconds: float = 60.0) -> None:
    """Wait for a condition; fail after a generous time-out."""
    async with asyncio.timeout(seconds):
        while not condition():  # noqa: ASYNC110 - polls what has no event to wait for
            await asyncio.sleep(0.005)


class Main:
    """A receiver in this process that collects its deliveries; ``auto`` finishes each at once."""

    def __init__(
        self,
        state_dir: Path,
        *,
        auto: bool = True,
        replica: str = "0",
        generation: int = 1,
        settings: MainSettings | None = None,
    ) -> None:
        self.auto = auto
        self.got: list[Delivery] = []
        base = settings or MainSettings(drain_timeout=2.0)
        self.receiver = Receiver(
            replace(base, state_dir=state_dir), replica=replica, generation=generation, accept=self._accept
        )
        self.port = 0

    def _accept(self, delivery: Delivery) -> None:
        self.got.append(delivery)
        if self.auto:
            self.receiver.done(delivery)

    @property
    def seqs(self) -> list[int]:
        return [delivery.envelope.seq for delivery in self.got]

    @asynccontextmanager
    async def listening(self, port: int = 0) -> AsyncIterator[Main]:
        async with self.receiver:
            self.port = await self.receiver.listen("127.0.0.1", port)
            yield self

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"


class Ws:
    """A sender in this process that collects its reports and the commands it receives."""

    def __init__(self, *hosts: str, settings: WsSettings | None = None, **options: object) -> None:
        base = settings or WsSettings(token="t", intents=0, outbox_disk_mb=0)
        fast = replace(base, grpc_hosts=hosts, watermark_interval=0.02)
        self.reported: dict[tuple[int, str], int] = {}
        self.commands: list[tuple[int, int, bytes]] = []
        self.refuse = ""
        self.sender = Sender(
            fast,
            hello=HelloFacts(cluster="c", shard_ids=(0, 1), shard_count=2),
            acknowledged=self._acknowledged,
            command=self._command,
            **options,  # type: ignore[arg-type]  # passed on unchanged
        )

    def _acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        assert seq > self.reported.get((shard_id, session_id), -1), "a watermark went back"
        self.reported[shard_id, session_id] = seq

    async def _command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        assert deadline > 0
        if self.refuse:
            raise GatewayCommandError(self.refuse)
        self.commands.append((shard_id, op, data))

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Ws]:
        async with asyncio.TaskGroup() as tasks:
            task = tasks.create_task(self.sender.run())
            try:
                yield self
            finally:
                task.cancel()

    def error(self) -> str:
        """Return why the first replica is not attached."""
        replicas = self.sender.stats().replicas
        return replicas[0].error if replicas else ""

    def put(self, envelopes: Iterable[Envelope]) -> None:
        for envelope in envelopes:
            self.sender.put(envelope)


def handled(output: Path) -> list[tuple[int, int, int, bool]]:
    """Return (generation, guild, seq, redelivered) of what main processes wrote, in order."""
    lines = output.read_text().splitlines() if output.exists() else []
    rows = [line.split() for line in lines]
    return [(int(row[0]), int(row[1]), int(row[2]), row[3] == "True") for row in rows if len(row) == 4]


async def _serve(
    port: int, state_dir: Path, output: Path, generation: int, delay: float, replica: str
) -> None:
    fd = os.open(output, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    settings = MainSettings(state_dir=state_dir, drain_timeout=5.0, keepalive=1.0)
    receiver: Receiver

    def finish(delivery: Delivery) -> None:
        receiver.done(delivery)

    def accept(delivery: Delivery) -> None:
        envelope = delivery.envelope
        os.write(fd, f"{generation} {envelope.guild_id} {envelope.seq} {envelope.redelivered}\n".encode())
        if delay:
            asyncio.get_running_loop().call_later(delay, finish, delivery)
        else:
            finish(delivery)

    async with Receiver(settings, replica=replica, generation=generation, accept=accept) as receiver:
        print(await receiver.listen("127.0.0.1", port), flush=True)
        await stop.wait()
        await receiver.drain(5.0)


if __name__ == "__main__":
    arguments = sys.argv[1:]
    asyncio.run(
        _serve(
            int(arguments[0]),
            Path(arguments[1]),
            Path(arguments[2]),
            int(arguments[3]),
            float(arguments[4]),
            arguments[5] if len(arguments) > 5 else "0",
        )
    )
