"""Runs one child process in its own session and process group, with its output line by line.

The output pipes are made here, not by asyncio, so that waiting for the process does not also wait for other
processes that inherited its output.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from nescord_core.process.orphans import Orphans
from nescord_core.process.own_children import OWN_CHILDREN
from nescord_core.supervisor.line_splitter import LineSplitter
from nescord_core.supervisor.parent_death import ParentDeathPipe
from nescord_core.supervisor.spec import ServiceSpec

__all__ = ["ServiceProcess"]

CHUNK = 1 << 16
OUTPUT_TIMEOUT = 2.0
LATER_LOOKS = 3
LOOK_PAUSE = 0.1
SUPERVISED = "NESCORD_SUPERVISED"
"""Environment variable that tells which service of which supervisor a process belongs to."""
Sink = Callable[[str, str], None]
"""Receives the stream (stdout or stderr) and one line without its newline."""


class ServiceProcess:
    """A running child. `start` spawns it; `wait` reaps it, ends what it leaves and drains its output."""

    def __init__(
        self, process: asyncio.subprocess.Process, readers: list[asyncio.Task[None]], mark: str, sink: Sink
    ) -> None:
        self._process = process
        self._readers = readers
        self._orphans = Orphans(
            belongs=lambda environment: environment.get(SUPERVISED) == mark,
            sessions=(process.pid,),
            tell=lambda text: sink("stdout", text),
        )
        self._reaped = False

    @property
    def pid(self) -> int:
        return self._process.pid

    @classmethod
    async def start(
        cls, spec: ServiceSpec, *, death_pipe: ParentDeathPipe, sink: Sink, tasks: asyncio.TaskGroup
    ) -> ServiceProcess:
        """Start the process of a spec; its output goes to ``sink`` until end-of-file.

        Raises:
            OSError: the program does not exist or cannot be executed, or descriptors, memory or processes
                are lacking.

        """
        outputs: dict[str, tuple[int, int]] = {}
        try:
            for stream in ("stdout", "stderr"):
                outputs[stream] = os.pipe()
            process = await _spawned(spec, death_pipe, outputs["stdout"][1], outputs["stderr"][1])
        except OSError:
            for reading, _ in outputs.values():
                os.close(reading)
            raise
        finally:
            for _, writing in outputs.values():
                os.close(writing)
        readers = [
            tasks.create_task(_read(reading, stream, sink)) for stream, (reading, _) in outputs.items()
        ]
        return cls(process, readers, mark_of(spec), sink)

    def terminate(self) -> None:
        """Send SIGTERM to the process only: it stops its own children."""
        if not self._reaped:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """Kill the process and everything in its group."""
        if not self._reaped:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Return the exit code (negative for a signal) once the process is reaped and its group is gone.

        The sink has all of its output by then. A process that left the group and holds the output open delays
        this by `OUTPUT_TIMEOUT` seconds at the most.
        """
        code = await self._process.wait()
        self.kill_group()
        self._reaped = True
        await self._end_orphans(was_killed=code < 0)
        _, late = await asyncio.wait(self._readers, timeout=OUTPUT_TIMEOUT)
        for reader in late:
            reader.cancel()
        return code

    async def _end_orphans(self, *, was_killed: bool) -> None:
        """End what the group has left in other sessions, as a bot's helpers."""
        await self._orphans.look(ending=True)
        for _ in range(LATER_LOOKS if was_killed else 0):  # the rest of its group has only just been killed
            await asyncio.sleep(LOOK_PAUSE)
            await self._orphans.look(ending=True)


async def _spawned(
    spec: ServiceSpec, death_pipe: ParentDeathPipe, stdout: int, stderr: int
) -> asyncio.subprocess.Process:
    marks = {"PYTHONUNBUFFERED": "1", SUPERVISED: mark_of(spec)}
    with OWN_CHILDREN.starting() as started:
        process = await asyncio.create_subprocess_exec(
            *spec.argv,
            cwd=spec.cwd,
            env={**spec.env, **marks, **death_pipe.environment(spec.grace)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=stdout,
            stderr=stderr,
            pass_fds=(death_pipe.fd,),
            start_new_session=True,
        )
        started(process.pid)
    return process


def mark_of(spec: ServiceSpec) -> str:
    """Return the value of `SUPERVISED` in a service's processes."""
    return f"{os.getpid()}/{spec.name}"


async def _read(descriptor: int, stream: str, sink: Sink) -> None:
    loop = asyncio.get_running_loop()
    reader = asyncio.StreamReader(limit=CHUNK)
    pipe = os.fdopen(descriptor, "rb", buffering=0)
    transport, _ = await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), pipe)
    splitter = LineSplitter()
    try:
        while chunk := await reader.read(CHUNK):
            for line in splitter.feed(chunk):
                sink(stream, line)
    finally:
        for line in splitter.flush():
            sink(stream, line)
        transport.close()
