"""Where Sentry's SDK sends its reports: its ingest API, on a real socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from support.network.http_receiver import receiving_posts

__all__ = ["SentryIngest", "ingesting"]


@dataclass
class SentryIngest:
    """``dsn`` is what SENTRY_DSN wants; ``reports`` are the errors that arrived."""

    dsn: str = ""
    reports: list[dict[str, Any]] = field(default_factory=list)

    def take(self, envelope: bytes) -> None:
        """Read an envelope: a header, then a header and a payload for each item."""
        lines = envelope.splitlines()[1:]
        for head, body in zip(lines[::2], lines[1::2], strict=False):
            if json.loads(head).get("type") == "event":
                self.reports.append(json.loads(body))


@contextmanager
def ingesting() -> Iterator[SentryIngest]:
    """Accept reports while the block runs."""
    ingest = SentryIngest()
    with receiving_posts(lambda _path, body: ingest.take(body), answer=b"{}") as port:
        ingest.dsn = f"http://key@127.0.0.1:{port}/1"
        yield ingest
