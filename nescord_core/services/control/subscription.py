"""Subscribes to the events of main's workers, which connect to a Unix socket of the reader.

The worker's end is `nescord_core.bot.observing`. After a reload the new worker connects before it takes its
first event. For a slow reader a worker drops lines; it never waits.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from nescord_core.bot.observing.subscriber import MARKER, Marker, Wanted
from nescord_core.errors import ConfigError
from nescord_core.process.os_errors import reason_of
from nescord_core.process.state_dir import make_folder, prepare, replace_file
from nescord_core.services import service_process
from nescord_core.services.control.control_socket import socket_path
from nescord_core.tracing import records

__all__ = ["Subscription", "Wanted", "Worker", "subscribed"]

_LONGEST_LINE = 16 * 1024 * 1024
_QUEUED = 256


@dataclass(eq=False)
class Worker:
    """A connected worker process of main."""

    replica: str
    generation: int
    pid: int
    writer: asyncio.StreamWriter

    def send(self, again: records.ReplayRequest) -> None:
        """Send it an event to replay; does nothing if the worker is gone."""
        if not self.writer.is_closing():
            self.writer.write(records.encode(again))


@dataclass(frozen=True)
class TracedRecord:
    """A record from a worker; ``record`` is None when the worker has disconnected."""

    worker: Worker
    record: records.Record | None


class Subscription:
    """Yields the workers' records; ``workers`` are those connected now."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.workers: list[Worker] = []
        self._records: asyncio.Queue[TracedRecord] = asyncio.Queue(_QUEUED)
        self._group = tasks
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve a worker that connects."""
        task = self._group.create_task(self._read(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def close(self) -> None:
        """Disconnect all workers."""
        for task in self._tasks:
            task.cancel()

    async def __aiter__(self) -> AsyncIterator[TracedRecord]:
        while True:
            yield await self._records.get()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        worker: Worker | None = None
        try:
            while line := await reader.readline():
                record = records.decode(line)
                if isinstance(record, records.Hello):
                    worker = Worker(record.replica, record.generation, record.pid, writer)
                    self.workers.append(worker)
                if worker is not None:
                    await self._records.put(TracedRecord(worker, record))
        except (ConnectionError, ValueError):
            pass  # the worker was killed in the middle of a line
        finally:
            writer.close()
            if worker is not None:
                self.workers.remove(worker)
        if worker is not None:
            await self._records.put(TracedRecord(worker, None))


@asynccontextmanager
async def subscribed(state_dir: Path, wanted: Wanted) -> AsyncIterator[Subscription]:
    """Receive the ``wanted`` events of every worker with this state_dir for the duration of the block.

    Raises:
        ConfigError: state_dir cannot be written to.

    """
    name = f"{os.getpid()}-{secrets.token_hex(3)}"
    marker, path = state_dir / MARKER / f"{name}.json", socket_path(state_dir, f"{MARKER}-{name}")
    try:
        prepare(state_dir)
        make_folder(marker.parent)
        listener = _listening(path)
    except OSError as error:
        raise ConfigError(
            f"{state_dir} cannot be written to: {reason_of(error)}.",
            where="state_dir",
            hint="Set NESCORD_STATE_DIR to main's state directory, and make sure this user can write to it.",
        ) from None
    with service_process.one_error():
        async with asyncio.TaskGroup() as tasks:
            subscription = Subscription(tasks)
            server = await asyncio.start_unix_server(subscription.accept, sock=listener, limit=_LONGEST_LINE)
            try:
                _announce(marker, Marker(str(path), wanted))
                yield subscription
            finally:
                _remove(marker, path)
                server.close()
                subscription.close()


def _listening(path: Path) -> socket.socket:
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(str(path))
    path.chmod(0o600)
    listener.listen()
    listener.setblocking(False)
    return listener


def _announce(marker: Path, content: Marker) -> None:
    replace_file(marker, msgspec.json.encode(content))


def _remove(*paths: Path) -> None:
    for path in paths:
        with suppress(OSError):
            path.unlink()
