"""Plain responses are read as httptools would read them; whatever is not plain is left to it."""

from __future__ import annotations

import random

import pytest

from nescord_core.ratelimit.response import read, read_settled
from nescord_core.rest.proxy.direct.replies import reply_of
from nescord_core.rest.proxy.forwarded_headers import for_caller
from nescord_core.rest.proxy.upstream.parser import ResponseBroken, ResponseParser
from nescord_core.rest.proxy.upstream.response import UpstreamResponse, plain_response
from support.rest.garbled_responses import garbled_response

MOST = 1 << 20
LINE = b"HTTP/1.1 200 OK\r\n"


def parsed(data: bytes) -> tuple[UpstreamResponse | None, bool]:
    """Return what httptools reads, and whether the connection can be used again."""
    parser = ResponseParser(is_head=False, most=MOST, sent_at=0.0, throttle=lambda _: None, drop=lambda: None)
    try:
        parser.feed(data, 0.0)
    except ResponseBroken:
        return parser.response, False
    return parser.response, parser.keeps_alive


def test_what_is_plain_is_what_httptools_reads() -> None:
    chance = random.Random(7)
    plains = 0
    for _ in range(20_000):
        data = garbled_response(chance)
        plain = plain_response(data, MOST)
        if plain is None:
            continue
        plains += 1
        expected, keeps_alive = parsed(data)
        assert expected is not None, data
        assert keeps_alive, data
        whole = plain.with_headers(0.0, 0.0)
        assert (whole.status, whole.reason, whole.body) == (expected.status, expected.reason, expected.body)
        # httptools leaves the white space after a value to its user.
        headers = [(name, value.rstrip(" \t")) for name, value in expected.headers.items()]
        assert list(whole.headers.items()) == headers, data
        for name in plain.limits:
            value = expected.headers[name].rstrip(" \t")
            assert plain.limits[name].decode("utf-8", "surrogateescape") == value, data
        if plain.status < 400:
            assert read_settled(plain.status, plain.limits) == read(plain.status, whole.headers), data
    assert plains > 2000


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 2\r\n\r\nab",
        b"content-length:2\r\nConnection: Keep-Alive\r\nSet-Cookie: a\r\nSet-Cookie: b\r\n\r\nab",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n01\r\nb\r\n0\r\n\r\n",
    ],
)
def test_plain(rest: bytes) -> None:
    plain = plain_response(LINE + rest, MOST)
    assert plain is not None
    assert plain.body == b"ab"
    assert not any(line.lower().startswith(b"set-cookie") for line in plain.passed)


@pytest.mark.parametrize(
    "rest",
    [
        b"Content-Length: 3\r\n\r\nab",
        b"Content-Length: 1\r\n\r\nab",
        b"Content-Length: +2\r\n\r\nab",
        b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nab",
        b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"Transfer-Encoding: gzip, chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\nX-Late: 1\r\n\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\nHTTP/1.1 200 OK",
        b"Transfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n",
        b"Connection: close\r\nContent-Length: 2\r\n\r\nab",
        b"Upgrade: h2c\r\nContent-Length: 2\r\n\r\nab",
        b"X: a\nb\r\nContent-Length: 2\r\n\r\nab",
        b"X: a\r\n folded\r\nContent-Length: 2\r\n\r\nab",
        b"X: \x00\r\nContent-Length: 2\r\n\r\nab",
        b"X\r\nContent-Length: 2\r\n\r\nab",
        b"\r\n",
        b"",
    ],
)
def test_not_plain(rest: bytes) -> None:
    assert plain_response(LINE + rest, MOST) is None


@pytest.mark.parametrize("status", [b"100 Continue", b"304 Not Modified", b"600 X", b"20 X"])
def test_a_status_that_is_not_plain(status: bytes) -> None:
    assert plain_response(b"HTTP/1.1 " + status + b"\r\nContent-Length: 0\r\n\r\n", MOST) is None


def test_a_body_past_the_bound_is_not_plain() -> None:
    assert plain_response(LINE + b"Content-Length: 3\r\n\r\nabc", 2) is None


def test_the_caller_gets_the_same_headers_either_way() -> None:
    head = (
        b"X-RateLimit-Limit: 5\r\nX-RateLimit-Remaining: 0\r\nX-RateLimit-Reset: 9.5\r\n"
        b"X-RateLimit-Reset-After: 1.5\r\nX-RateLimit-Bucket: abc\r\nX-Nescord-Cache: hit\r\nVia: 1.1 x\r\n"
        b"Set-Cookie: a=b\r\nKeep-Alive: timeout=5\r\nDate: today\r\nContent-Length: 2\r\n\r\nab"
    )
    plain = plain_response(LINE + head, MOST)
    assert plain is not None
    sent, _ = parsed(reply_of(plain, "").encode(keep_alive=True))
    expected = for_caller(plain.with_headers(0.0, 0.0).headers, status=200)
    assert sent is not None
    assert sent.body == b"ab"
    got = {name: value for name, value in sent.headers.items() if name != "Content-Length"}
    for headers in (got, expected):
        assert float(headers.pop("X-RateLimit-Reset")) > 9.5
    assert got == dict(expected.items())
