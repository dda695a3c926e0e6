"""Configures logging of the services: one record per line, as text or JSON, with secrets masked."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from nescord_core.process import log_records
from nescord_core.process.safe_text import for_terminal
from nescord_core.tracing import spans
from nescord_core.tracing.current_event import handled

__all__ = [
    "BRIEF",
    "HAS_TRACEBACK",
    "JSON_LINES",
    "QUIET_IN_DEBUG",
    "RECORDS",
    "as_json",
    "configure",
    "spellings",
]

JSON_LINES = "NESCORD_LOG_JSON"
"""Environment variable: 1 makes a service log JSON lines."""
BRIEF = "NESCORD_LOG_BRIEF"
"""Environment variable: 1 omits the records of every reload, which `nescord dev` sums up in one line."""

RECORDS = "NESCORD_LOG_RECORDS"
"""Environment variable: 1 makes a service log marked records, for a supervisor that renders them."""
_NOISY = ("asyncio", "grpc", "aiohttp.access", "watchfiles", "discord")
_DISPATCH = "nescord_core.dispatch"
QUIET_IN_DEBUG = dict.fromkeys(_NOISY, logging.INFO) | {_DISPATCH: logging.NOTSET}
"""Levels of loggers in debug mode: those of libraries stay quieter than the rest."""
_EVENT = "nescord_event"
"""Attribute of a record: the event that was handled when it was made."""
HAS_TRACEBACK = "nescord_has_traceback"
"""Attribute of a record whose message ends with the traceback of its ``exc_info``."""
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {
    "message",
    "asctime",
    "taskName",
    _EVENT,
    HAS_TRACEBACK,
}


def as_json() -> bool:
    """Return whether this process logs JSON lines."""
    return os.environ.get(JSON_LINES) == "1"


def configure(service: str, *, secrets: Iterable[str | None] = (), debug: bool = False) -> None:
    """Log to stderr; mask every text in ``secrets`` wherever it appears."""
    masked = spellings(secrets)
    formatter = _formatter(service, masked)
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    if os.environ.get(BRIEF) == "1" and not debug:
        logging.getLogger(_DISPATCH).setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    for noisy in _NOISY:
        logging.getLogger(noisy).setLevel(logging.INFO if debug else logging.WARNING)
    _note_events()


def _note_events() -> None:
    """Let every record hold the event whose handler made it, also for a handler that formats it elsewhere."""
    make = logging.getLogRecordFactory()
    if hasattr(make, _EVENT):
        return

    def record(*arguments: Any, **fields: Any) -> logging.LogRecord:
        made = make(*arguments, **fields)
        payload = handled.get()
        if payload is not None:
            setattr(made, _EVENT, payload.event)
        return made

    setattr(record, _EVENT, True)
    logging.setLogRecordFactory(record)


def _lacks_traceback(record: logging.LogRecord) -> bool:
    return bool(record.exc_info and record.exc_info[0]) and not hasattr(record, HAS_TRACEBACK)


def _identity(record: logging.LogRecord) -> dict[str, Any]:
    """Return the event of a record; ids of guilds exceed the numbers that JavaScript can hold."""
    event = getattr(record, _EVENT, None)
    if event is None:
        return {}
    named = {
        "event": str(event.type),
        "shard": event.shard_id,
        "session": event.session_id,
        "seq": event.seq,
        "guild": None if event.guild_id is None else str(event.guild_id),
    }
    if spans.active is not None:
        named["trace_id"], named["span_id"] = spans.active.ids()
    return named


def _formatter(service: str, masked: tuple[str, ...]) -> logging.Formatter:
    if as_json():
        return _JsonLines(service, masked)
    return _Records(masked) if os.environ.get(RECORDS) == "1" else _Plain(masked)


def _is_ours(record: logging.LogRecord) -> bool:
    """Drop aiohttp's record of a peer that does not speak HTTP: a traceback with the received bytes.

    The peer gets its 400. Anyone who can connect could fill the log with it, and the bytes may be secret.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not (error is not None and type(error).__module__ == "aiohttp.http_exceptions")


def spellings(secrets: Iterable[str | None]) -> tuple[str, ...]:
    """Return how secrets may appear in text: as they are, in JSON, in a repr, in a URL; the longest first.

    JSON escapes quotes, backslashes and, by default, everything but ASCII.
    """
    found: set[str] = set()
    for secret in filter(None, secrets):
        found |= {secret, json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
        found |= {repr(secret)[1:-1], ascii(secret)[1:-1], quote(secret), quote(secret, safe="")}
    found |= {json.dumps(spelling)[1:-1] for spelling in found}  # in a message that becomes JSON itself
    return tuple(sorted(found, key=len, reverse=True))


def _masked(text: str, secrets: tuple[str, ...]) -> str:
    for secret in secrets:
        text = text.replace(secret, "***")
    return text


class _Plain(logging.Formatter):
    """Formats as `12:30:05 WARNING message`; INFO has no label."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        time = datetime.fromtimestamp(record.created, tz=UTC).astimezone().strftime("%H:%M:%S")
        label = "" if record.levelno == logging.INFO else f"{record.levelname} "
        text = f"{time} {label}{record.getMessage()}"
        if _lacks_traceback(record) and record.exc_info:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return for_terminal(_masked(text, self._secrets))


class _Records(logging.Formatter):
    """Formats as marked records, see `log_records`."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        trace = ""
        if record.exc_info and _lacks_traceback(record):
            trace = "".join(traceback.format_exception(*record.exc_info))
        extras = {name: value for name, value in vars(record).items() if name not in _PLAIN}
        line = log_records.encode(
            log_records.Record(
                round(record.created, 3),
                record.levelname.lower(),
                record.name,
                record.getMessage(),
                trace,
                extras,
            )
        )
        return _masked(line, self._secrets)


class _JsonLines(logging.Formatter):
    """Formats as JSON: time (epoch seconds), level, service, logger, message, event and the extras."""

    def __init__(self, service: str, secrets: tuple[str, ...]) -> None:
        super().__init__()
        self._service = service
        self._secrets = secrets

    def format(self, record: logging.LogRecord) -> str:
        entry = {
            "time": round(record.created, 3),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **_identity(record),
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if _lacks_traceback(record) and record.exc_info:
            entry["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return _masked(json.dumps(entry, default=str), self._secrets)
