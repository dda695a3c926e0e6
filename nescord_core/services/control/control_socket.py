"""A Unix socket in state_dir through which `nescord status`, `stop`, `reload` and `logs` reach the services.

The protocol is one JSON object a line. A request names a ``command``; an answer has ``ok`` and the command's
own fields, or ``error``. A stream sends answers until either side disconnects.

`nescord dev` and `nescord run all` serve ``control.sock``, `nescord run main` serves ``main.sock``, and
`nescord run ws` serves ``ws.sock``. Only their owner can connect (mode 0600).
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import os
import signal
import socket
import stat
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import datetime
from operator import itemgetter
from pathlib import Path
from typing import Any

from nescord_core.errors import ConfigError, NescordError, NotRunning, TransportError
from nescord_core.process.state_dir import read_bytes, set_aside
from nescord_core.services.control.exclusive_lock import exclusive_lock
from nescord_core.services.control.running_services import RunningService, is_alive, read_all

__all__ = ["Answer", "Command", "logs", "reload", "request", "restart", "serve_control", "socket_path"]
__all__ += ["status", "stop", "stream"]

Answer = Mapping[str, Any]
Command = Callable[[Answer], "Awaitable[Answer] | AsyncIterator[Answer]"]

log = logging.getLogger("nescord.control")

DEV = "control"
MAIN = "main"
WS = "ws"
WHO = {DEV: "nescord dev", MAIN: "nescord main", WS: "nescord ws"}
LONGEST_PATH = 100  # sun_path holds 108 bytes on Linux, 104 on the BSDs and macOS (unix(7), unix(4))
LONGEST_LINE = 1 << 20
REQUEST_TIMEOUT = 10.0
ANSWER_TIMEOUT = 60.0
WS_TIMEOUT = 3600.0
"""Seconds; a large bot has many clusters, which drain one after the other."""
STOP_TIMEOUT = 60.0
RETRY = 0.05


def socket_path(state_dir: Path, name: str = DEV) -> Path:
    """Return the path of the socket: in state_dir, or in a private directory if that path is too long."""
    path = state_dir.absolute() / f"{name}.sock"
    if len(os.fsencode(path)) <= LONGEST_PATH:
        return path
    digest = hashlib.sha256(os.fsencode(state_dir.resolve())).hexdigest()[:16]
    return _runtime_dir() / f"nescord-{digest}-{name}.sock"


@asynccontextmanager
async def serve_control(
    state_dir: Path, commands: Mapping[str, Command], *, name: str = DEV, service: str = "nescord dev"
) -> AsyncIterator[Path]:
    """Answer commands for the duration of the block; yields the socket's path.

    A command receives the request and returns an awaitable of one answer, or an async iterator of several. A
    NescordError becomes the answer's ``error``.

    Raises:
        AlreadyRunning: another process serves this name; ``service`` names it in the message.

    """
    path = socket_path(state_dir, name)
    failure: Exception | None = None
    with exclusive_lock(state_dir, name, service), _listening(path) as listener:
        async with asyncio.TaskGroup() as group:
            connections = _Connections(group, commands)
            server = await asyncio.start_unix_server(connections.accept, sock=listener, limit=LONGEST_LINE)
            try:
                yield path
            except Exception as error:
                failure = error
            finally:
                server.close()
                connections.cancel()
    if failure is not None:
        raise failure


async def request(
    state_dir: Path, command: str, *, name: str = DEV, timeout: float = ANSWER_TIMEOUT, **fields: Any
) -> dict[str, Any]:
    """Send one command and return its answer.

    Raises:
        NotRunning: no process serves this name.
        NescordError: the answer is an error, or did not arrive within ``timeout`` seconds.

    """
    try:
        async with asyncio.timeout(timeout):
            async for answer in stream(state_dir, command, name=name, **fields):
                return answer
    except TimeoutError:
        raise TransportError(f"no answer to {command} within {timeout:g} s.") from None
    raise TransportError(f"the connection closed before {command} was answered.")


async def stream(
    state_dir: Path, command: str, *, name: str = DEV, **fields: Any
) -> AsyncIterator[dict[str, Any]]:
    """Send one command and yield answers until the other side disconnects; raises as `request` does."""
    try:
        reader, writer = await asyncio.open_unix_connection(socket_path(state_dir, name), limit=LONGEST_LINE)
    except (FileNotFoundError, ConnectionRefusedError):
        raise NotRunning(WHO.get(name, name), state_dir=str(state_dir)) from None
    except OSError as error:
        raise TransportError(f"the control socket cannot be reached: {error.strerror}.") from None
    try:
        writer.write(_line({"command": command, **fields}))
        while line := await reader.readline():
            yield _opened(json.loads(line))
    except (ConnectionError, ValueError) as error:
        raise TransportError(f"the control connection broke: {error}") from None
    finally:
        writer.close()


async def status(state_dir: Path) -> dict[str, Any]:
    """Return the services of `nescord dev`: ``{service: {state, pid, address, ...}}``."""
    services: dict[str, Any] = (await request(state_dir, "status"))["services"]
    return services


async def stop(state_dir: Path, *, timeout: float = STOP_TIMEOUT) -> None:
    """Stop all services in order; returns when they have ended.

    Services without a supervisor get SIGTERM, as from any process manager.

    Raises:
        NotRunning: no service with this state_dir is running.
        TransportError: a service is still running after ``timeout`` seconds.

    """
    alone: list[RunningService] = []
    try:
        await request(state_dir, "stop")
    except NotRunning:
        alone = list(read_all(state_dir).values())
        if not alone:
            raise
        for presence in alone:
            with suppress(ProcessLookupError):
                os.kill(presence.pid, signal.SIGTERM)
    try:
        async with asyncio.timeout(timeout):
            while await _is_supervised(state_dir) or any(map(is_alive, alone)):  # noqa: ASYNC110 - in other processes
                await asyncio.sleep(RETRY)
    except TimeoutError:
        raise TransportError(f"some services are still running after {timeout:g} s.") from None


async def _is_supervised(state_dir: Path) -> bool:
    try:
        await request(state_dir, "status")
    except NotRunning:
        return False
    except TransportError:
        return True  # it is ending
    return True


async def restart(state_dir: Path, service: str, *, project: str = "") -> None:
    """Ask `nescord dev` to restart one service; returns when the restart has begun."""
    await request(state_dir, "restart", service=service, project=project)


async def reload(
    state_dir: Path, *, name: str = MAIN, timeout: float = ANSWER_TIMEOUT, project: str = ""
) -> dict[str, Any]:
    """Reload the bot's code in main, or with ``name`` WS replace the clusters of ws; returns its report.

    With ``project`` (a directory without links), main refuses if it runs another one.
    """
    report = await request(state_dir, "reload", name=name, timeout=timeout, project=project)
    return {"message": str(report.get("line", "")), **report}


async def logs(
    state_dir: Path, service: str | None = None, *, lines: int = 100, follow: bool = True
) -> AsyncIterator[dict[str, Any]]:
    """Yield log lines ``{time, service, stream, text}``: the last ``lines``, then new ones if ``follow``.

    If nothing is running, the lines come from the log files of the last run.
    """
    try:
        async for answer in stream(state_dir, "logs", service=service, lines=lines, follow=follow):
            yield answer
    except NotRunning:
        left = _read_log_files(state_dir, service, lines)
        if not left:
            raise
        for line in left:
            yield line


def _read_log_files(state_dir: Path, service: str | None, lines: int) -> list[dict[str, Any]]:
    """Return the last lines of the log files, ordered by time."""
    found: list[dict[str, Any]] = []
    for path in (state_dir / "logs").glob(f"{service or '*'}.log"):
        for line in _content(path).splitlines()[-lines:]:
            stamp, _, text = line.partition(" ")
            found.append({"time": _epoch(stamp), "service": path.stem, "stream": "", "text": text})
    return sorted(found, key=itemgetter("time"))[-lines:] if lines else []


def _content(path: Path) -> str:
    with suppress(OSError):  # it is no file, or was rotated just now
        return read_bytes(path).decode(errors="replace")
    return ""


def _epoch(stamp: str) -> float:
    try:
        return datetime.fromisoformat(stamp).timestamp()
    except ValueError:
        return 0.0  # a truncated line


def _opened(answer: dict[str, Any]) -> dict[str, Any]:
    if not answer.pop("ok", False):
        raise NescordError(str(answer.get("error") or "the command failed."))
    return answer


def _line(fields: Answer) -> bytes:
    return json.dumps(fields, default=str).encode() + b"\n"


class _Connections:
    """The open connections; they close with the server."""

    def __init__(self, group: asyncio.TaskGroup, commands: Mapping[str, Command]) -> None:
        self._group = group
        self._commands = commands
        self._tasks: set[asyncio.Task[None]] = set()

    def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = self._group.create_task(_converse(self._commands, reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def cancel(self) -> None:
        for task in self._tasks:
            task.cancel()


async def _converse(
    commands: Mapping[str, Command], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        async with asyncio.timeout(REQUEST_TIMEOUT):
            line = await reader.readline()
        await _answer(commands, line, reader, writer)
    except (TimeoutError, ConnectionError, ValueError):
        pass  # the client sends nothing or too much, or is gone
    finally:
        writer.close()


async def _answer(
    commands: Mapping[str, Command], line: bytes, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    try:
        result = _chosen(commands, line)
        if isinstance(result, AsyncIterator):
            await _pour(result, reader, writer)
            return
        answer: Answer = {"ok": True, **(await result)}
    except NescordError as error:
        answer = {"ok": False, "error": str(error)}
    except (ConnectionError, TimeoutError):
        raise
    except Exception as error:  # a bug in one command must not end the services
        log.exception("a control command failed")
        answer = {"ok": False, "error": f"{type(error).__name__} in the other process; see its log."}
    writer.write(_line(answer))
    await writer.drain()


def _chosen(commands: Mapping[str, Command], line: bytes) -> Awaitable[Answer] | AsyncIterator[Answer]:
    try:
        fields = json.loads(line)
        name = fields["command"]
    except (ValueError, TypeError, KeyError):
        raise NescordError('a request is one line such as {"command": "status"}.') from None
    if name not in commands:
        raise NescordError(f"{name!r} is not a command here; there are {', '.join(sorted(commands))}.")
    return commands[name](fields)


async def _pour(
    answers: AsyncIterator[Answer], reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Send answers until they end or the client disconnects, which shows as end-of-file."""

    async def send() -> None:
        with suppress(ConnectionError):
            async for answer in answers:
                writer.write(_line({"ok": True, **answer}))
                await writer.drain()
        watching.cancel()

    async def watch() -> None:
        with suppress(ConnectionError):
            await reader.read()
        sending.cancel()

    async with asyncio.TaskGroup() as both:
        sending = both.create_task(send())
        watching = both.create_task(watch())


@contextmanager
def _listening(path: Path) -> Iterator[socket.socket]:
    """Bind, restrict, then listen: nobody can connect before the mode is set."""
    if path.is_dir() and not path.is_symlink():
        set_aside(path, "it is not a socket")
    path.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        path.chmod(0o600)
        listener.setblocking(False)
        try:
            yield listener
        finally:
            path.unlink(missing_ok=True)


def _runtime_dir() -> Path:
    """Return the user's runtime directory, or a private one in /tmp."""
    own = Path(f"/run/user/{os.getuid()}")
    if own.is_dir() and os.access(own, os.W_OK):
        return own
    shared = Path(f"/tmp/nescord-{os.getuid()}")  # noqa: S108 - owner and mode are checked below
    shared.mkdir(mode=0o700, exist_ok=True)
    found = shared.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise ConfigError(
            f"the path of the control socket is too long, and {shared} is not a private directory.",
            where="state_dir",
            hint="Set NESCORD_STATE_DIR to a shorter path.",
        )
    return shared
