"""A server for reports that programs send by HTTP, on a real socket."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import brotli

__all__ = ["receiving_posts"]


def _decoded(body: bytes, coding: str) -> bytes:
    if coding == "br":  # where the package is installed, as discord.py[speed] does
        return bytes(brotli.decompress(body))
    return gzip.decompress(body) if coding == "gzip" else body


@contextmanager
def receiving_posts(
    take: Callable[[str, bytes], object], *, answer: bytes = b"", content_type: str = "application/json"
) -> Iterator[int]:
    """Call ``take`` with the path and the decoded body of every POST; yield the port on 127.0.0.1."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            take(self.path, _decoded(body, self.headers.get("Content-Encoding", "")))
            self.send_response(200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_: Any) -> None:
            """Keep the tests' output clean."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
