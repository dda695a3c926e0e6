"""Configures logging of the services: one record per line, as text or JSON, with secrets masked."""

from __future__ import annotations

import json
import logging
import os
import sys
import traceback
from collections.abc import Iterable
from datetime import UTC, datetime
from urllib.parse import quote

from nescord_core.process.safe_text import for_terminal

__all__ = ["BRIEF", "JSON_LINES", "as_json", "configure", "spellings"]

JSON_LINES = "NESCORD_LOG_JSON"
"""Environment variable: 1 makes a service log JSON lines."""
BRIEF = "NESCORD_LOG_BRIEF"
"""Environment variable: 1 omits the records of every reload, which `nescord dev` sums up in one line."""

_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def as_json() -> bool:
    """Return whether this process logs JSON lines."""
    return os.environ.get(JSON_LINES) == "1"


def configure(service: str, *, secrets: Iterable[str | None] = (), debug: bool = False) -> None:
    """Log to stderr; mask every text in ``secrets`` wherever it appears."""
    masked = spellings(secrets)
    formatter = _JsonLines(service, masked) if as_json() else _Plain(masked)
    output = logging.StreamHandler(sys.stderr)
    output.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [output]
    root.setLevel(logging.DEBUG if debug else logging.INFO)
    if os.environ.get(BRIEF) == "1" and not debug:
        logging.getLogger("nescord_core.dispatch").setLevel(logging.WARNING)
    logging.getLogger("aiohttp.server").addFilter(_is_ours)
    for noisy in ("asyncio", "grpc", "aiohttp.access", "watchfiles", "discord"):
        logging.getLogger(noisy).setLevel(logging.INFO if debug else logging.WARNING)


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
        if record.exc_info and record.exc_info[0]:
            text += "\n" + "".join(traceback.format_exception(*record.exc_info)).rstrip()
        return for_terminal(_masked(text, self._secrets))


class _JsonLines(logging.Formatter):
    """Formats as JSON: time (epoch seconds), level, service, logger, message and the record's extras."""

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
            **{name: value for name, value in vars(record).items() if name not in _PLAIN},
        }
        if record.exc_info and record.exc_info[0]:
            entry["traceback"] = "".join(traceback.format_exception(*record.exc_info))
        return _masked(json.dumps(entry, default=str), self._secrets)
