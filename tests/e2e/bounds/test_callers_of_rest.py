"""Callers that ask too much of a real rest service, in front of the sandbox."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice, product

import pytest

from nescord_core.rest.proxy.route_labels import WORDS
from support.network.strangers import End, closes, connect, flood, say, statuses
from support.processes.commands import fetch
from support.system.system import System
from support.system.under_attack import watched

ENDS = b"Host: 127.0.0.1\r\nConnection: close\r\n"
MESSAGES = b"POST /channels/5/messages HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"


@pytest.fixture(scope="module", autouse=True)
def early(system: System) -> Iterator[dict[str, socket.socket]]:
    """Connections from before the first attack: silent, with half a head, with a body that does not come."""
    port = system.ports["rest"]
    asked = b"GET /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\n"
    held = {
        "idle": connect(port, asked + b"\r\n"),
        "half a head": connect(port, asked),
        "no body": connect(port, MESSAGES + b"Content-Length: 100\r\n\r\n"),
    }
    yield held
    for each in held.values():
        each.close()


@pytest.mark.bound("Callers of rest: a request line or a header")
def test_a_long_line(system: System) -> None:
    with watched(system, "rest", most_mb=10):
        line, header = (
            b"GET /%b HTTP/1.1\r\n" % (b"a" * 9000),
            b"GET /a HTTP/1.1\r\nX: %b\r\n" % (b"a" * 9000),
        )
        assert statuses(say(system.ports["rest"], line + ENDS + b"\r\n")) == [414]
        assert statuses(say(system.ports["rest"], header + ENDS + b"\r\n")) == [431]


def test_a_long_head(system: System) -> None:
    lines = b"".join(b"X-%d: %b\r\n" % (n, b"v" * 4000) for n in range(20))
    with watched(system, "rest", most_mb=10):
        assert statuses(say(system.ports["rest"], b"GET /a HTTP/1.1\r\n" + ENDS + lines + b"\r\n")) == [431]
        end, _ = flood(system.ports["rest"], b"GET /a HTTP/1.1\r\n", b"X: v\r\n" * 1000)
        assert end is End.CLOSED


@pytest.mark.bound("Callers of rest: chunk sizes, extensions and trailers in a row")
@pytest.mark.parametrize(
    "start", [b"5;ext=", b"0\r\nX-T: ", b"0000000000"], ids=["extension", "trailer", "size"]
)
def test_framing_without_end(system: System, start: bytes) -> None:
    first = MESSAGES + b"Transfer-Encoding: chunked\r\n\r\n" + start
    with watched(system, "rest", most_mb=10):
        end, _ = flood(system.ports["rest"], first, b"0" * 8000)
        assert end is End.CLOSED


@pytest.mark.bound("Callers of rest: a request's body")
def test_a_body_that_is_too_large(system: System) -> None:
    port = system.ports["rest"]
    with watched(system, "rest", most_mb=60):
        declared = MESSAGES + b"Content-Length: 200000000\r\n\r\n"
        assert statuses(say(port, declared)) == [413]
        chunked = MESSAGES + b"Transfer-Encoding: chunked\r\n\r\n"
        end, answer = flood(port, chunked, b"f4240\r\n" + bytes(1_000_000) + b"\r\n")
        assert end is End.CLOSED
        assert statuses(answer) in ([413], [503], [])


@pytest.mark.bound("Callers of rest: the bodies of all waiting requests", "Callers of rest: waiting requests")
def test_more_requests_than_may_wait(system: System) -> None:
    """Discord's bucket takes five at a time; NESCORD_MAX_QUEUE is 60 and NESCORD_MAX_BODIES_MB 24."""
    channel = system.sandbox("GET", "/state?limit=1&tail=0")["guilds"][0]["channels"][0]["id"]
    head = f"POST /channels/{channel}/messages HTTP/1.1\r\nContent-Length: ".encode()

    def post(size: int) -> list[int]:
        request = head + b"%d\r\n" % size + ENDS + b"\r\n" + bytes(size)
        with connect(system.ports["rest"], request) as connection:
            connection.settimeout(3)
            try:
                return statuses(connection.recv(65_536))
            except TimeoutError:
                return []

    with ThreadPoolExecutor(200) as callers:
        with watched(system, "rest", most_mb=110):
            answers = [*callers.map(post, [1_500_000] * 60)]
            assert [503] in answers, "24 MB of bodies are 16 such requests"
        with watched(system, "rest", most_mb=40):
            answers = [*callers.map(post, [10] * 200)]
            assert answers.count([503]) >= 80, "60 may wait"
    assert fetch("GET", f"http://127.0.0.1:{system.ports['rest']}/users/@me")[0] == 200


@pytest.mark.bound("Callers of rest: requests sent without waiting for responses")
def test_requests_without_a_look_at_their_responses(system: System) -> None:
    request = b"GET /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" * 1000
    with watched(system, "rest", most_mb=20):
        end, _ = flood(system.ports["rest"], b"", request)
        assert end is End.STALLED


@pytest.mark.bound("Callers of rest: X-Nescord-Deadline", "Callers of rest: methods")
@pytest.mark.bound("Callers of rest: names in the Host header of a caller without the secret")
@pytest.mark.parametrize(
    ("head", "status"),
    [
        (b"GET /users/@me HTTP/1.1\r\nHost: evil.example\r\n", 403),
        (b"GET /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Nescord-Deadline: 86401\r\n", 400),
        (b"GET /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Nescord-Deadline: 1e400\r\n", 400),
        (b"TRACE /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\n", 501),
        (b"PROPFIND /users/@me HTTP/1.1\r\nHost: 127.0.0.1\r\n", 501),
    ],
)
def test_what_is_not_passed_on(system: System, head: bytes, status: int) -> None:
    with watched(system, "rest", most_mb=10):
        assert statuses(say(system.ports["rest"], head + b"Connection: close\r\n\r\n")) == [status]


@pytest.mark.bound("Callers of rest: routes in the metrics")
def test_routes_without_number(system: System) -> None:
    words = sorted(word for word in WORDS if word.isalpha())
    paths = islice(product(words, words), 1000)
    requests = [f"GET /{'/'.join(path)} HTTP/1.1\r\nHost: 127.0.0.1\r\n".encode() for path in paths]
    with watched(system, "rest", most_mb=20):
        for at in range(0, len(requests), 100):
            joined = b"\r\n".join(requests[at : at + 100]) + b"Connection: close\r\n\r\n"
            assert len(statuses(say(system.ports["rest"], joined))) == 100
    _, page = fetch("GET", f"http://127.0.0.1:{system.ports['rest']}/metrics")
    routes = {line.split('route="')[1].split('"')[0] for line in page.splitlines() if 'route="' in line}
    assert len(routes) <= 513
    assert "other" in routes


@pytest.mark.bound("Callers of rest: a request's head", "Callers of rest: how slowly a body arrives")
@pytest.mark.bound("Callers of rest: an idle connection, or one whose response is not read")
def test_callers_that_let_rest_wait(early: dict[str, socket.socket]) -> None:
    """The last test: the connections are as old as the module by now."""
    assert statuses(closes(early["half a head"], 40)) == [408]
    assert statuses(closes(early["no body"], 40)) == [408]
    assert statuses(closes(early["idle"], 90)) == [200]
