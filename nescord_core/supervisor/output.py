"""The output of all services in one place: terminal or JSON lines, a log file each, and whoever follows.

What a service writes is shown as it is, with its name in front; only secrets are masked.
"""

from __future__ import annotations

import asyncio
import io
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any, TextIO

from rich.console import Console, RenderableType
from rich.style import Style
from rich.text import Text

__all__ = ["LogFile", "LogLine", "Output", "Redaction"]

COLOURS = ("cyan", "magenta", "green", "yellow", "blue", "bright_cyan", "bright_magenta", "bright_green")
KEPT_LINES = 2000
KEPT_WORDS = 50
QUEUED_LINES = 10_000
SHORTEST_SECRET = 6


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a service. ``time`` is in seconds since the epoch; ``stream`` is stdout, stderr, state."""

    time: float
    service: str
    stream: str
    text: str

    @property
    def stamp(self) -> str:
        return datetime.fromtimestamp(self.time, UTC).isoformat(timespec="milliseconds")


class Redaction:
    """Masks secrets in text; the longest first, in case one holds another."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        found = {secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET}
        self._secrets = sorted(found, key=len, reverse=True)

    def with_more(self, secrets: Iterable[str | None]) -> Redaction:
        """Return one that masks these as well."""
        return Redaction([*self._secrets, *secrets])

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return text


class LogFile:
    """A log file that starts anew at ``max_bytes`` and keeps ``keep`` older ones (.1 is the youngest)."""

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
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file = self._path.open("ab")
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
    """Where lines go. ``on_closed`` is called once when nobody reads the terminal side any more.

    ``names`` are the services', ``own`` is what the supervisor itself is called. With ``as_json`` every line
    is one JSON object: ``time`` (epoch seconds), ``service``, ``message``, more. ``log_dir`` of None writes
    no files. ``now`` gives seconds since the epoch.
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
        self._recent: deque[LogLine] = deque(maxlen=KEPT_LINES)
        self._words: dict[tuple[str, str], deque[str]] = {}
        self._followers: set[asyncio.Queue[LogLine]] = set()

    def line(self, service: str, stream: str, text: str) -> None:
        """Take one line of a service's stdout or stderr."""
        line = self._kept(service, stream, text)
        if text.strip() and (service, stream) in self._words:
            self._words[service, stream].append(line.text)
        if self._only in (None, service):
            self._show(line, {"stream": stream})

    def state(self, service: str, text: str, **fields: Any) -> None:
        """Say something about a service; ``fields`` are the same as data, for JSON."""
        line = self._kept(service, "state", text)
        self._show(line, fields)

    def say(self, text: str) -> None:
        """Say something in our own name."""
        self.state(self.own, text)

    def show(self, text: str, **fields: Any) -> None:
        """Print something of our own without a prefix, or ``fields`` where the output is JSON."""
        shown = json.dumps({"time": round(self._now(), 3), **fields}, default=str) if self._as_json else text
        self._write(self._redact(shown))

    def rendered(self, what: RenderableType) -> str:
        """Return something of rich's as text for `show`, in colours if those are shown."""
        return _rendered(what, self._file)

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these, too."""
        self._redact = self._redact.with_more(secrets)

    def next_filter(self) -> str:
        """Show the next service's lines alone on the terminal side, after the last one all; say which."""
        order = [None, *self._prefixes]
        self._only = order[(order.index(self._only) + 1) % len(order)]
        return f"{self._only} alone" if self._only else "all services"

    def last_errors(self, service: str, count: int) -> list[str]:
        """Return the last lines of a process's stderr, or of its stdout when it wrote none there."""
        for stream in ("stderr", "stdout"):
            if lines := list(self._words.get((service, stream), ())):
                return lines[-count:]
        return []

    def begin(self, service: str) -> None:
        """A new process of the service starts: what the last one said is history."""
        for stream in ("stderr", "stdout"):
            self._words[service, stream] = deque(maxlen=KEPT_WORDS)

    async def follow(self, service: str | None, *, lines: int, onward: bool) -> AsyncIterator[LogLine]:
        """Yield the last lines of one service or all, then new ones if ``onward``.

        A follower that is far behind loses the oldest lines it has not read.
        """
        queue: asyncio.Queue[LogLine] = asyncio.Queue(QUEUED_LINES)
        self._followers.add(queue)
        try:
            known = [line for line in self._recent if service in (None, line.service)]
            for line in known[-lines:] if lines else ():
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

    def _kept(self, service: str, stream: str, text: str) -> LogLine:
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
            self.state(line.service, f"no more log files in {directory}: {error.strerror}")

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
        except (OSError, ValueError):  # its reader is gone, the terminal is, or it was closed
            self._open = False
            self.on_closed()


def _is_record(text: str) -> bool:
    """Whether a service wrote a JSON log record, which is passed on as it is."""
    if not text.startswith("{"):
        return False
    try:
        return "message" in json.loads(text)
    except ValueError:
        return False


def _prefixes(names: tuple[str, ...], file: TextIO) -> dict[str, str]:
    """Rendered once; plain writes are enough from then on."""
    width = max(map(len, names), default=0)
    styles = [Style(color=colour, bold=True) for colour in COLOURS]
    return {
        name: _rendered(Text(f"{name:<{width}} |", style=styles[number % len(styles)], end=""), file)
        for number, name in enumerate(names)
    }


def _rendered(what: RenderableType, file: TextIO) -> str:
    """What rich would write to the file; it decides about colours (a terminal, and no NO_COLOR).

    It does not get the file itself: a Console whose file has no reader left ends the whole process.
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
    """A terminal with another encoding must not end the run over one character."""
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
