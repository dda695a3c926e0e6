"""Collects the output of all services: terminal or JSON lines, a log file per service, and followers.

Lines of a service are shown unchanged behind its name; only secrets are masked.
"""

from __future__ import annotations

import asyncio
import io
import json
import os
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TextIO

from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text

from nescord_core.process.logs import spellings
from nescord_core.process.state_dir import make_folder, open_file

__all__ = ["LogFile", "LogLine", "Output", "Redaction"]

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
RECENT_LINES = 2000
LAST_LINES = 50
QUEUED_LINES = 10_000
SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service. ``time`` is in epoch seconds; ``stream`` is stdout, stderr or state."""

    time: float
    service: str
    stream: str
    text: str

    @property
    def stamp(self) -> str:
        return datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds")


class Redaction:
    """Masks secrets in text, longest first: one secret may contain another."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        found = spellings(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)
        self._secrets = sorted(found, key=len, reverse=True)

    def with_more(self, secrets: Iterable[str | None]) -> Redaction:
        """Return a redaction that masks these secrets as well."""
        return Redaction([*self._secrets, *secrets])

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return text


class LogFile:
    """A log file that rotates at ``max_bytes`` and keeps ``keep`` older files (.1 is the newest)."""

    def __init__(self, path: Path, *, max_bytes: int = 5_000_000, keep: int = 3) -> None:
        self._path = path
        self._max_bytes = max_bytes
        self._keep = keep
        self._file: IO[bytes] | None = None

    def write(self, line: str) -> None:
        data = line.encode("utf-8", "replace") + b"\n"
        file = self._file or self._opened()
        if file.tell() and file.tell() + len(data) > self._max_bytes:
            file = self._rotated()
        file.write(data)
        file.flush()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _opened(self) -> IO[bytes]:
        make_folder(self._path.parent)
        self._file = os.fdopen(open_file(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), "ab")
        return self._file

    def _rotated(self) -> IO[bytes]:
        self.close()
        for number in range(self._keep, 0, -1):
            older = self._named(number - 1)
            if older.exists():
                older.replace(self._named(number))
        return self._opened()

    def _named(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path


class Output:
    """Writes lines to the terminal, the log files and the followers.

    ``names`` are the services; ``own`` is the supervisor's own name. With ``as_json`` every line is a JSON
    object with ``time`` (epoch seconds), ``service``, ``message`` and further fields. Without ``log_dir`` no
    files are written. ``now`` returns epoch seconds. ``on_closed`` is called once, when the terminal or pipe
    is closed.
    """

    def __init__(
        self,
        file: TextIO,
        *,
        names: Iterable[str],
        own: str = "dev",
        now: Callable[[], float],
        as_json: bool = False,
        log_dir: Path | None = None,
        redact: Redaction | None = None,
    ) -> None:
        self._file = file
        self._now = now
        self._as_json = as_json
        self._log_dir = log_dir
        self._redact = redact or Redaction(())
        self.on_closed: Callable[[], None] = lambda: None
        self._open = True
        self._only: str | None = None
        self.own = own
        self._prefixes = _prefixes((*names, own), file)
        self._logs: dict[str, LogFile] = {}
        self._recent: deque[LogLine] = deque(maxlen=RECENT_LINES)
        self._last_lines: dict[tuple[str, str], deque[str]] = {}
        self._followers: set[asyncio.Queue[LogLine]] = set()

    def line(self, service: str, stream: str, text: str) -> None:
        """Add one line of a service's stdout or stderr."""
        line = self._record(service, stream, text)
        if text.strip() and (service, stream) in self._last_lines:
            self._last_lines[service, stream].append(line.text)
        if self._only in (None, service):
            self._show(line, {"stream": stream})

    def state(self, service: str, text: str, **fields: Any) -> None:
        """Add a line about a service; ``fields`` carry the same as data, for JSON."""
        line = self._record(service, "state", text)
        self._show(line, fields)

    def say(self, text: str) -> None:
        """Add a line of the supervisor itself."""
        self.state(self.own, text)

    def show(self, text: str, **fields: Any) -> None:
        """Print a text of the supervisor without a prefix, or ``fields`` where the output is JSON."""
        shown = json.dumps({"time": round(self._now(), 3), **fields}, default=str) if self._as_json else text
        self._write(self._redact(shown))

    def rendered(self, what: RenderableType) -> str:
        """Return a rich renderable as text for `show`, with colours where the terminal has them."""
        return _rendered(what, self._file)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on."""
        self._redact = self._redact.with_more(secrets)

    def next_filter(self) -> str:
        """Show only the next service on the terminal, or all after the last; return what is shown."""
        order = [None, *self._prefixes]
        self._only = order[(order.index(self._only) + 1) % len(order)]
        return self._only or "all services"

    def last_errors(self, service: str, count: int) -> list[str]:
        """Return the last lines of a process's stderr, or of its stdout if stderr is empty."""
        for stream in ("stderr", "stdout"):
            if lines := list(self._last_lines.get((service, stream), ())):
                return lines[-count:]
        return []

    def begin(self, service: str) -> None:
        """Forget the last lines of the service's previous process: a new one starts."""
        for stream in ("stderr", "stdout"):
            self._last_lines[service, stream] = deque(maxlen=LAST_LINES)

    async def follow(self, service: str | None, *, lines: int, onward: bool) -> AsyncIterator[LogLine]:
        """Yield the last lines of one service, or of all; then new ones if ``onward``.

        A follower that falls too far behind loses its oldest unread lines.
        """
        queue: asyncio.Queue[LogLine] = asyncio.Queue(QUEUED_LINES)
        self._followers.add(queue)
        try:
            recent = [line for line in self._recent if service in (None, line.service)]
            for line in recent[-lines:] if lines else ():
                yield line
            while onward:
                line = await queue.get()
                if service in (None, line.service):
                    yield line
        finally:
            self._followers.discard(queue)

    def close(self) -> None:
        for log in self._logs.values():
            log.close()

    def _record(self, service: str, stream: str, text: str) -> LogLine:
        line = LogLine(self._now(), service, stream, self._redact(text))
        self._recent.append(line)
        for queue in self._followers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(line)
        self._log(line)
        return line

    def _log(self, line: LogLine) -> None:
        if self._log_dir is None:
            return
        log = self._logs.setdefault(line.service, LogFile(self._log_dir / f"{line.service}.log"))
        try:
            log.write(f"{line.stamp} {line.text}")
        except OSError as error:
            directory, self._log_dir = self._log_dir, None
            reason = f"cannot write logs to {directory}: {error.strerror}; file logging is off"
            self.state(line.service, reason)

    def _show(self, line: LogLine, fields: Mapping[str, Any]) -> None:
        if not self._as_json:
            self._write(f"{self._prefixes.get(line.service, line.service)} {line.text}")
        elif _is_record(line.text):
            self._write(line.text)
        else:
            record = {"time": round(line.time, 3), "service": line.service, "message": line.text, **fields}
            self._write(json.dumps(record, ensure_ascii=False, default=str))

    def _write(self, text: str) -> None:
        if not self._open:
            return
        try:
            self._file.write(_printable(text, self._file) + "\n")
            self._file.flush()
        except (OSError, ValueError):  # the pipe's reader or the terminal is gone, or the file was closed
            self._open = False
            self.on_closed()


def _is_record(text: str) -> bool:
    """Whether a line is a JSON log record of a service; those are passed on unchanged."""
    if not text.startswith("{"):
        return False
    try:
        return "message" in json.loads(text)
    except ValueError:
        return False


def _prefixes(names: tuple[str, ...], file: TextIO) -> dict[str, str]:
    """Return the coloured prefixes, rendered once so that each line is a plain write."""
    width = max(map(len, names), default=0)
    styles = [Style(color=colour, bold=True) for colour in COLOURS]
    return {
        name: _rendered(Text(f"{name:<{width}} |", style=styles[number % len(styles)], end=""), file)
        for number, name in enumerate(names)
    }


def _rendered(what: RenderableType, file: TextIO) -> str:
    """Return what rich would write to the file; rich decides on colours (terminal, NO_COLOR).

    rich does not write to the file itself: a Console exits the process when its file's reader is gone.
    """
    target = Console(file=file)
    text = io.StringIO()
    console = Console(
        file=text,
        force_terminal=target.is_terminal,
        color_system="auto" if target.color_system else None,
        no_color=target.no_color,
        width=target.width,
        height=target.height,
    )
    console.print(what, end="")
    return text.getvalue()


def _printable(text: str, file: TextIO) -> str:
    """Escape characters that the terminal's encoding lacks, so that none of them ends the run."""
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
