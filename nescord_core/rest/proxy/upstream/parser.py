"""Parses one response of Discord's by httptools. RFC 9112 defines where it ends."""

from __future__ import annotations

from collections.abc import Callable

import httptools
from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.rest.proxy.body_stream import BodyStream
from nescord_core.rest.proxy.server.request import BodyReader
from nescord_core.rest.proxy.upstream.response import UpstreamResponse

__all__ = ["ResponseBroken", "ResponseParser"]

MOST_HEADERS = 256 * 1024
BODILESS = frozenset({204, 304})


class ResponseBroken(Exception):
    """The bytes are not one response."""


class ResponseParser:
    """Parses what `feed` is given. ``response`` is None until it can be passed on.

    Of a body larger than ``most`` bytes the start is in the response, and ``rest`` takes what follows;
    ``throttle`` then pauses and resumes receiving, and ``drop`` ends the connection. ``is_head``: no body
    follows, whatever the headers say.
    """

    def __init__(
        self,
        *,
        is_head: bool,
        most: int,
        sent_at: float,
        throttle: Callable[[bool], None],
        drop: Callable[[], None],
    ) -> None:
        self.response: UpstreamResponse | None = None
        self.rest: BodyReader | None = None
        self.keeps_alive = True
        self.ends_with_connection = False
        self._parser = httptools.HttpResponseParser(self)
        self._is_head = is_head
        self._most = most
        self._throttle = throttle
        self._drop = drop
        self._sent_at = self._received_at = sent_at
        self._status = 0
        self._reason = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._header_bytes = 0
        self._raw_bytes = 0
        self._chunks: list[bytes] = []
        self._size = 0
        self._complete = False

    def feed(self, data: bytes, now: float) -> None:
        """Parse received bytes. Raises `ResponseBroken`; a response may be complete nevertheless."""
        self._received_at = max(now, self._sent_at)
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            raise ResponseBroken(f"the response is not HTTP ({type(error).__name__})") from error
        if self._raw_bytes > MOST_HEADERS:
            # The parser reports a header, chunk size or trailer once it is complete, and keeps it until then.
            raise ResponseBroken(
                f"more than {MOST_HEADERS // 1024} kB of headers, chunk sizes or trailers came in a row"
            )

    def end(self) -> None:
        """Complete a response that lasts until the end of its connection."""
        if self.ends_with_connection:
            self._finish()

    def fail(self, why: str) -> None:
        """Mark a body that is being passed on as incomplete."""
        if self.rest is not None and not self.rest.ended:
            self.rest.fail(why)

    # -- httptools -------------------------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._complete:
            raise ValueError("a second response")

    def on_status(self, reason: bytes) -> None:
        self._reason += reason

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > MOST_HEADERS:
            raise ValueError("too many headers")
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        self._raw_bytes = 0
        self._status = self._parser.get_status_code()
        lengthless = "Content-Length" not in self._headers and "Transfer-Encoding" not in self._headers
        self.ends_with_connection = lengthless and self._status >= 200 and self._status not in BODILESS
        if self._is_head and self._status >= 200:
            # The parser cannot be told that no body follows, so this connection is not reused.
            self.ends_with_connection = True
            self._finish()

    def on_body(self, data: bytes) -> None:
        self._raw_bytes = 0
        if self.rest is not None:
            self.rest.feed(data)
            return
        self._chunks.append(data)
        self._size += len(data)
        if self._size > self._most:
            self.rest = BodyReader(self._throttle)
            length = self._headers.get("Content-Length")
            is_length_known = length is not None and "Transfer-Encoding" not in self._headers
            whole = int(length) if length is not None and is_length_known else None
            self._respond(BodyStream(self.rest, self._drop, length=whole))

    def on_message_complete(self) -> None:
        if self._status < 200:
            # 100 and 103 precede the actual response.
            self._reason, self._status = b"", 0
            self._headers = CIMultiDict()
            return
        self._complete = True
        if not self._parser.should_keep_alive():
            self.keeps_alive = False
        self._finish()

    def _finish(self) -> None:
        if self.rest is not None:
            self.rest.end()
        else:
            self._respond(None)
        if self.ends_with_connection:
            self.keeps_alive = False

    def _respond(self, rest: BodyStream | None) -> None:
        if self.response is None:
            self.response = UpstreamResponse(
                self._status,
                self._reason.decode("latin-1"),
                CIMultiDictProxy(self._headers),
                b"".join(self._chunks),
                self._sent_at,
                self._received_at,
                rest,
            )
            self._chunks.clear()
