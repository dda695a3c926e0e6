"""One child process: its own session and process group, its output by lines, its lifeline.

asyncio gets the ends of our own pipes rather than making them, so that waiting for the process does not also
wait for whoever else inherited its output.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable
from contextlib import suppress

from nescord_core.supervisor.line_splitter import LineSplitter
from nescord_core.supervisor.parent_death import ParentDeathPipe
from nescord_core.supervisor.spec import ServiceSpec

__all__ = ["ServiceProcess"]

CHUNK = 1 << 16
OUTPUT_TIMEOUT = 2.0
Sink = Callable[[str, str], None]
"""Takes the stream (stdout or stderr) and one line without its end."""


class ServiceProcess:
    """A running child. `start` makes one; `wait` reaps it, ends its group and empties its output."""

    def __init__(self, process: asyncio.subprocess.Process, readers: list[asyncio.Task[None]]) -> None:
        self._process = process
        self._readers = readers
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
            OSError: the program is not there or cannot be run.

        """
        outputs = {"stdout": os.pipe(), "stderr": os.pipe()}
        try:
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
        return cls(process, readers)

    def terminate(self) -> None:
        """Ask the process to stop; what it started is its own business for now."""
        if not self._reaped:
            with suppress(ProcessLookupError):
                self._process.send_signal(signal.SIGTERM)

    def kill_group(self) -> None:
        """End the process and everything it started in its group, at once."""
        if not self._reaped:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)

    async def wait(self) -> int:
        """Return the exit code (negative for a signal) once the process is reaped and its group is gone.

        Its last output has gone to the sink by then. Whoever left the group and holds on to the output is
        not waited for longer than a moment.
        """
        code = await self._process.wait()
        self.kill_group()
        self._reaped = True
        _, late = await asyncio.wait(self._readers, timeout=OUTPUT_TIMEOUT)
        for reader in late:
            reader.cancel()
        return code


async def _spawned(
    spec: ServiceSpec, death_pipe: ParentDeathPipe, stdout: int, stderr: int
) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *spec.argv,
        cwd=spec.cwd,
        env={**spec.env, "PYTHONUNBUFFERED": "1", **death_pipe.environment(spec.grace)},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        pass_fds=(death_pipe.fd,),
        start_new_session=True,
    )


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
