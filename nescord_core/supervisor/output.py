"""Collects the output of all services: terminal or JSON lines, a log file per service, and followers.

What a terminal shows of a line is decided by a presenter; log files and followers get every line. Secrets are
masked everywhere.
"""

from __future__ import annotations

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from nescord_core.process import log_records
from nescord_core.supervisor.log_file import LogFile
from nescord_core.supervisor.redaction import Redaction

__all__ = ["LogLine", "Output", "Presenter", "Shown"]

RECENT_LINES = 2000
LAST_LINES = 50
QUEUED_LINES = 10_000
ERASE_LINE = "\r\x1b[2K"


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


@dataclass(frozen=True, slots=True)
class Shown:
    """What a presenter is asked to show: a line, a log record of several lines, or a change of state.

    ``fields`` are those of a change of state, empty for what a service has printed.
    """

    time: float
    service: str
    stream: str
    text: str
    record: log_records.Record | None = None
    fields: Mapping[str, Any] = field(default_factory=dict)


Presenter = Callable[[Shown], Sequence[str]]
"""Returns the lines that the terminal shows; none for what is only logged."""


class Output:
    """Writes lines to the terminal, the log files and the followers.

    ``names`` are the services; ``own`` is the supervisor's own name. With ``as_json`` every line is a JSON
    object with ``time`` (epoch seconds), ``service``, ``message`` and further fields. Without ``log_dir`` no
    files are written. ``now`` returns epoch seconds. ``on_closed`` is called once, when the terminal or pipe
    is closed. ``present`` decides what a terminal shows; by default everything, behind the service's name.
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
        present: Presenter | None = None,
    ) -> None:
        self._file = file
        self._now = now
        self._as_json = as_json
        self._log_dir = log_dir
        self._redact = redact or Redaction(())
        self.on_closed: Callable[[], None] = lambda: None
        self._open = True
        self._only: str | None = None
        self._status = ""
        self.own = own
        self.names = tuple(names)
        self._present = present or _plain((*self.names, own))
        self._logs: dict[str, LogFile] = {}
        self._recent: deque[LogLine] = deque(maxlen=RECENT_LINES)
        self._last_lines: dict[tuple[str, str], deque[str]] = {}
        self._followers: set[asyncio.Queue[LogLine]] = set()

    def line(self, service: str, stream: str, text: str) -> None:
        """Add one line of a service's stdout or stderr, which may be a log record of several lines."""
        text = self._redact(text)  # also what a record carries beside its message
        record = log_records.decode(text)
        last = self._last_lines.get((service, stream))
        for part in record.as_text().split("\n") if record else [text]:
            line = self._record(service, stream, part)
            if last is not None and part.strip():
                last.append(line.text)
        if self._only in (None, service):
            shown = Shown(self._now(), service, stream, text, record)
            self._show(shown, {"stream": stream})

    def state(self, service: str, text: str, **fields: Any) -> None:
        """Add a line about a service; ``fields`` carry the same as data, for JSON."""
        line = self._record(service, "state", text)
        self._show(Shown(line.time, service, "state", line.text, fields=fields), fields)

    def say(self, text: str) -> None:
        """Add a line of the supervisor itself."""
        self.state(self.own, text)

    def show(self, text: str, **fields: Any) -> None:
        """Print a text of the supervisor without a prefix, or ``fields`` where the output is JSON."""
        shown = json.dumps({"time": round(self._now(), 3), **fields}, default=str) if self._as_json else text
        self._write(self._redact(shown))

    def hide(self, secrets: Iterable[str]) -> None:
        """Mask these secrets from now on."""
        self._redact = self._redact.with_more(secrets)

    def paragraph(self, text: str) -> None:
        """Print a text for people, which JSON lines have nothing for."""
        if not self._as_json:
            self._write(self._redact(text))

    @property
    def only(self) -> str | None:
        """The one service whose lines the terminal shows; None for all."""
        return self._only

    def filter(self, service: str | None, status: str = "") -> None:
        """Show only this service's lines on the terminal, None for all; keep ``status`` as the last line."""
        self._only, self._status = service, status
        self._draw_status()

    def _draw_status(self) -> None:
        if not self._as_json:
            self._write_raw(ERASE_LINE + self._status)

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
        if self._status:
            self.filter(None)
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

    def _show(self, shown: Shown, fields: Mapping[str, Any]) -> None:
        if not self._as_json:
            if lines := self._present(shown):
                self._write("\n".join(lines))
        elif _is_record(shown.text):
            self._write(shown.text)
        else:
            record = {
                "time": round(shown.time, 3),
                "service": shown.service,
                "message": shown.text,
                **fields,
            }
            self._write(json.dumps(record, ensure_ascii=False, default=str))

    def _write(self, text: str) -> None:
        if self._status:
            self._write_raw(f"{ERASE_LINE}{text}\n{self._status}")
        else:
            self._write_raw(f"{text}\n")

    def _write_raw(self, text: str) -> None:
        if not self._open:
            return
        try:
            self._file.write(_printable(text, self._file))
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


def _plain(names: Sequence[str]) -> Presenter:
    """Show every line unchanged behind its service's name."""
    width = max(map(len, names), default=0)

    def present(shown: Shown) -> Sequence[str]:
        text = shown.record.as_text() if shown.record else shown.text
        return [f"{shown.service:<{width}} | {line}" for line in text.split("\n")]

    return present


def _printable(text: str, file: TextIO) -> str:
    """Escape characters that the terminal's encoding lacks, so that none of them ends the run."""
    encoding = file.encoding or "utf-8"
    return text.encode(encoding, "backslashreplace").decode(encoding)
