"""Where Sentry's SDK sends its reports: its ingest API, on a real socket."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli

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


def _decoded(body: bytes, coding: str) -> bytes:
    if coding == "br":  # where the package is installed, as discord.py[speed] does
        return bytes(brotli.decompress(body))
    return gzip.decompress(body) if coding == "gzip" else body


@contextmanager
def ingesting() -> Iterator[SentryIngest]:
    """Accept reports while the block runs."""
    ingest = SentryIngest()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            ingest.take(_decoded(body, self.headers.get("Content-Encoding", "")))
            self.send_response(200)
            self.send_header("Content-Length", "2")
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    ingest.dsn = f"http://key@127.0.0.1:{server.server_address[1]}/1"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield ingest
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
