"""Requests that are recognised by their headers' bytes are the ones that httptools would have read."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nescord_core.rest.proxy.server.parser import RequestParser, RequestRefused
from nescord_core.rest.proxy.server.remembered_heads import MOST_HEADS, RememberedHeads, request_line
from nescord_core.rest.proxy.server.request import Request
from support.rest.garbled_requests import garbled

HEAD = b"Host: a\r\nAuthorization: Bot x\r\n"


def parser_of(heads: RememberedHeads, requests: list[Request]) -> RequestParser:
    return RequestParser(
        requests.append,
        on_head=lambda: None,
        throttle=lambda _: None,
        send_continue=lambda: None,
        heads=heads,
    )


def facts(request: Request) -> dict[str, Any]:
    content = request.content
    return {
        "method": request.method,
        "path": request.raw_path,
        "headers": list(request.headers.items()),
        "body": None if content is None else (content.take(), content.ended),
        "keep_alive": request.keep_alive,
        "is_old": request.is_old,
    }


def read(data: list[bytes], heads: RememberedHeads | None) -> tuple[list[dict[str, Any]], int]:
    """Return the requests of a connection and the status that it ends with, 0 if none.

    Without remembered heads, nothing is ever recognised.
    """
    requests: list[Request] = []
    parser = parser_of(heads or RememberedHeads(), requests)
    for piece in data:
        found = parser.whole(piece) if heads is not None else None
        if found is not None:
            requests.append(found)
            continue
        try:
            parser.feed(piece)
        except RequestRefused as refused:
            return [facts(each) for each in requests], refused.response.status
    return [facts(each) for each in requests], 0


def test_recognised_or_not_the_requests_are_the_same() -> None:
    chance = random.Random(3)
    heads = RememberedHeads()
    recent: list[bytes] = []
    for _ in range(6000):
        recent = [*recent[-20:], garbled(chance)]
        data = [chance.choice(recent) for _ in range(chance.randint(1, 3))]
        assert read(data, heads) == read(data, None), data


def test_the_second_request_with_the_same_headers_is_recognised() -> None:
    heads = RememberedHeads()
    parser = parser_of(heads, [])
    assert parser.whole(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n") is None
    parser.feed(b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n")
    found = parser.whole(b"GET /b?c HTTP/1.1\r\n" + HEAD + b"\r\n")
    assert found is not None
    assert (found.method, found.raw_path, found.headers["Authorization"]) == ("GET", "/b?c", "Bot x")


def test_a_body_of_the_same_length_is_taken_and_any_other_left_to_the_parser() -> None:
    heads = RememberedHeads()
    parser = parser_of(heads, [])
    head = HEAD + b"Content-Length: 2\r\n\r\n"
    parser.feed(b"POST /a HTTP/1.1\r\n" + head + b"ab")
    found = parser.whole(b"POST /a HTTP/1.1\r\n" + head + b"cd")
    assert found is not None
    assert found.content is not None
    assert (found.content.take(), found.content.ended) == (b"cd", True)
    for body in (b"", b"c", b"cdGET / HTTP/1.1\r\n\r\n"):
        assert parser.whole(b"POST /a HTTP/1.1\r\n" + head + body) is None


@pytest.mark.parametrize(
    "extra",
    [
        b"Connection: close",
        b"Connection: X-Y",
        b"Expect: 100-continue",
        b"Upgrade: h2c",
        b"Transfer-Encoding: chunked",
        b"traceparent: 00-1-2-01",
        b"X-Long: " + b"x" * 5000,
    ],
)
def test_what_concerns_the_connection_or_never_recurs_is_not_remembered(extra: bytes) -> None:
    heads = RememberedHeads()
    parser = parser_of(heads, [])
    body = b"0\r\n\r\n" if b"chunked" in extra else b""
    data = b"GET /a HTTP/1.1\r\n" + HEAD + extra + b"\r\n\r\n" + body
    parser.feed(data)
    assert heads.find(data.partition(b"\r\n")[2].partition(b"\r\n\r\n")[0]) is None


def test_nothing_is_recognised_inside_of_a_message_or_after_the_last() -> None:
    heads = RememberedHeads()
    data = b"GET /a HTTP/1.1\r\n" + HEAD + b"\r\n"
    parser_of(heads, []).feed(data)
    for before in (b"GE", b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"):
        parser = parser_of(heads, [])
        parser.feed(before)
        assert parser.whole(data) is None
    parser = parser_of(heads, [])
    parser.feed(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
    assert parser.whole(data) is None


@pytest.mark.parametrize(
    "line",
    [
        b"GET http://evil.invalid/ HTTP/1.1",
        b"GET /a HTTP/1.0",
        b"GET  /a HTTP/1.1",
        b"HEAD /a HTTP/1.1",
        b"get /a HTTP/1.1",
        b"GET /\xff HTTP/1.1",
        b"GET /a\tb HTTP/1.1",
        b"GET /" + b"a" * 5000 + b" HTTP/1.1",
        b"",
    ],
)
def test_a_peculiar_request_line_is_left_to_the_parser(line: bytes) -> None:
    assert request_line(line) is None


def test_the_oldest_are_forgotten() -> None:
    heads = RememberedHeads()
    parser = parser_of(heads, [])
    for number in range(MOST_HEADS + 1):
        parser.feed(b"GET /a HTTP/1.1\r\nHost: a\r\nX: %d\r\n\r\n" % number)
    assert heads.find(b"Host: a\r\nX: 0") is None
    assert heads.find(b"Host: a\r\nX: 1") is not None
