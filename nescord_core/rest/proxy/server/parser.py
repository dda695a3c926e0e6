"""Parses a caller's bytes into requests: HTTP/1.1 by httptools, within limits.

What frames a message, and what must be refused because two readers could frame it differently, is RFC 9112.
"""

from __future__ import annotations

from collections.abc import Callable

import httptools
from multidict import CIMultiDict

from nescord_core.rest.proxy import error_responses
from nescord_core.rest.proxy.server.remembered_heads import RememberedHeads, request_line
from nescord_core.rest.proxy.server.request import BodyReader, Request
from nescord_core.rest.proxy.server.response import Response

__all__ = ["LONGEST_LINE", "RequestParser", "RequestRefused"]

LONGEST_LINE = 8 * 1024
"""Bytes of a request line or of one header."""
LONGEST_HEAD = 64 * 1024
LONGEST_FRAMING = 16 * 1024
"""Bytes in a row, after the head, that are no body: chunk sizes and extensions, trailers."""
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
"""What Discord's API knows; anything else is not sent on."""


class RequestRefused(Exception):
    """The proxy takes no such bytes; ``response`` says why. Nothing after them can be read."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


class RequestParser:
    """Calls ``on_request`` with each request once its head is whole; the body arrives in its `BodyReader`.

    ``throttle`` pauses and resumes reading for a body; ``send_continue`` answers ``Expect: 100-continue``.
    A request whose headers are among ``heads`` can be had from `whole` instead, without `feed`.
    """

    def __init__(
        self,
        on_request: Callable[[Request], None],
        *,
        on_head: Callable[[], None],
        throttle: Callable[[bool], None],
        send_continue: Callable[[], None],
        heads: RememberedHeads,
    ) -> None:
        self._on_request = on_request
        self._on_head = on_head
        self._throttle = throttle
        self._send_continue = send_continue
        self._heads = heads
        self._parser = httptools.HttpRequestParser(self)
        self._url = b""
        self._headers: CIMultiDict[str] = CIMultiDict()
        self._head_bytes = 0
        self._raw_bytes = 0
        self._is_replayed = False
        self._is_last = False
        self._parsed = 0
        self._refusal: Response | None = None
        self.in_head = False
        self.newest: Request | None = None

    @property
    def body(self) -> BodyReader | None:
        """The body that is still arriving, if there is one."""
        content = self.newest.content if self.newest is not None else None
        return None if content is None or content.ended else content

    @property
    def _is_between(self) -> bool:
        """Whether what is received next begins another request."""
        return not (self.in_head or self._is_last) and self.body is None

    def whole(self, data: bytes) -> Request | None:
        """Return the request that is all of ``data``, if its headers are remembered; otherwise `feed` it."""
        start = data.find(b"\r\n")
        end = data.find(b"\r\n\r\n", start)
        if end < 0:
            return None
        known = self._heads.find(data[start + 2 : end])
        if known is None or len(data) - end - 4 != known.length:
            return None
        newest = self.newest
        if self.in_head or self._is_last:
            return None
        if newest is not None and newest.content is not None and not newest.content.ended:
            return None
        line = request_line(data[:start])
        if line is None:
            return None
        content = None
        if known.length:
            content = BodyReader(self._throttle)
            content.feed(data[end + 4 :])
            content.end()
        self.newest = Request(line[0], line[1], known.headers, content=content, known=known)
        return self.newest

    def feed(self, data: bytes) -> None:
        """Parse received bytes. Raises `RequestRefused`."""
        before, begins = self._parsed, self._is_between
        try:
            self._feed(data)
            if begins and self._parsed == before + 1 and self._is_between and self.newest is not None:
                self._heads.add(data, self.newest.headers)
        except httptools.HttpParserError as error:
            # httptools turns what a callback raises into an error of its own.
            refusal = self._refusal or error_responses.error(
                400, f"This is not an HTTP/1.1 request: {_describe(error)}.", close=True
            )
            raise RequestRefused(refusal) from error

    def _feed(self, data: bytes) -> None:
        """Limit the bytes that belong to neither head nor body as well: httptools buffers them."""
        self._raw_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as offer:
            self._decline_upgrade()
            at = offer.args[0] if offer.args else len(data)
            if at < len(data):
                self._feed(data[at:])
            return
        if self.in_head and self._raw_bytes > LONGEST_HEAD:
            self._refuse(431, f"The request's head is longer than {LONGEST_HEAD} bytes.")
        if not self.in_head and self._raw_bytes > LONGEST_FRAMING + len(data):
            self._refuse(431, f"More than {LONGEST_FRAMING} bytes of chunk sizes or trailers came in a row.")

    def _decline_upgrade(self) -> None:
        """Continue in HTTP/1.1 as if no upgrade had been offered (RFC 9110, 7.8).

        httptools ends a message at the offer. Its body, which every JVM client sends along with an h2c offer,
        gets a parser of its own, with a head that repeats the framing.
        """
        self._parser = httptools.HttpRequestParser(self)
        newest = self.newest
        if newest is None or newest.content is None:
            return
        framing = [
            f"{name}: {newest.headers[name]}"
            for name in ("Content-Length", "Transfer-Encoding")
            if name in newest.headers
        ]
        self._is_replayed = True
        self._parser.feed_data("\r\n".join(("POST / HTTP/1.1", "Host: x", *framing, "", "")).encode())
        self._is_replayed = False

    def _refuse(self, status: int, message: str) -> None:
        self._refusal = error_responses.error(status, message, close=True)
        raise RequestRefused(self._refusal)

    # -- called by httptools -----------------------------------------------------------------------------

    def on_message_begin(self) -> None:
        if self._is_replayed:
            return
        self._url = b""
        self._headers = CIMultiDict()
        self._head_bytes = 0
        self._raw_bytes = 0
        self.in_head = True
        self._on_head()

    def on_url(self, url: bytes) -> None:
        if self._is_replayed:
            return
        self._url += url
        if len(self._url) > LONGEST_LINE:
            self._refuse(414, f"The request line is longer than {LONGEST_LINE} bytes.")

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_replayed or not self.in_head:
            return  # a trailer must not become a header (RFC 9110, 6.5.1), as the checks are done
        size = len(name) + len(value)
        self._head_bytes += size
        if size > LONGEST_LINE or self._head_bytes > LONGEST_HEAD:
            self._refuse(
                431, f"A header is longer than {LONGEST_LINE} bytes, or all of them than {LONGEST_HEAD}."
            )
        self._headers.add(name.decode("latin-1"), value.decode("utf-8", "surrogateescape"))

    def on_headers_complete(self) -> None:
        if self._is_replayed:
            return
        self.in_head = False
        self._raw_bytes = 0
        version, headers = self._parser.get_http_version(), self._headers
        method = self._parser.get_method().decode("latin-1")
        self._check_head(method, version, headers)
        self._parsed += 1
        self._is_last = not self._parser.should_keep_alive()
        has_body = "Transfer-Encoding" in headers or headers.get("Content-Length", "0").strip("0") != ""
        waits = headers.get("Expect", "").lower() == "100-continue"
        self.newest = Request(
            method,
            self._url.decode("utf-8", "surrogateescape"),
            headers,
            content=BodyReader(self._throttle) if has_body else None,
            keep_alive=not self._is_last,
            is_old=version == "1.0",
            send_continue=self._send_continue if waits else None,
        )
        self._on_request(self.newest)

    def _check_head(self, method: str, version: str, headers: CIMultiDict[str]) -> None:
        # A 1.0 OPTIONS is what an RTSP request looks like.
        if version not in {"1.1", "1.0"} or (version == "1.0" and method == "OPTIONS"):
            self._refuse(400, f"The proxy speaks HTTP/1.1, not {version}.")
        if method not in METHODS:
            self._refuse(501, f"Discord's API has no {method}.")
        coding = headers.get("Transfer-Encoding")
        if coding is not None and (coding.strip().lower() != "chunked" or "Content-Length" in headers):
            self._refuse(501, "The proxy only accepts bodies that are chunked or have a Content-Length.")
        if len(headers.getall("Host", ())) > 1 or (version == "1.1" and "Host" not in headers):
            self._refuse(400, "HTTP/1.1 requires exactly one Host header.")
        if version == "1.0" and "Transfer-Encoding" in headers:
            self._refuse(400, "HTTP/1.0 has no Transfer-Encoding: send a Content-Length.")

    def on_body(self, data: bytes) -> None:
        self._raw_bytes = 0
        if self.newest is not None and self.newest.content is not None:
            self.newest.content.feed(data)

    def on_message_complete(self) -> None:
        if self._is_replayed or self._parser.should_upgrade():
            return  # only the upgrade offer ends here; the body follows
        self._raw_bytes = 0
        if self.newest is not None and self.newest.content is not None:
            self.newest.content.end()


def _describe(error: Exception) -> str:
    """Describe a parser error; its messages are fixed and contain nothing of the request."""
    text = str(error).rstrip(".")
    return text[:1].lower() + text[1:] if text else type(error).__name__
