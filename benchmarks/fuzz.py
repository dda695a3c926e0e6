"""Coverage-guided fuzzing of the proxy's server: ``python benchmarks/fuzz.py --minutes 10``.

Needs atheris (``pip install atheris``; Linux). The whole proxy runs in this process, with an in-memory
connection and a fake Discord that accepts everything. For any input there must be no exception, no 5xx except
the intended ones, well-formed answers, no request outside the API, and no token in an answer, a log line or a
metric. Otherwise it exits with 1 and writes the input to a file.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import random
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "tests"))

try:
    import atheris  # type: ignore[import-not-found,import-untyped,unused-ignore]  # not a requirement
except ImportError:
    sys.exit("atheris is not installed. Run `pip install atheris`, then run this again.")

with atheris.instrument_imports(include=["nescord_core.rest", "nescord_core.ratelimit"]):
    from nescord_core.rest.proxy import proxy as proxy_module
    from nescord_core.rest.proxy.server.connection import Connection
    from nescord_core.rest.proxy.server.server import Server
    from nescord_core.rest.proxy.upstream.connection import Receiver
    from nescord_core.rest.proxy.upstream.response import UpstreamResponse, plain_response

import httptools
from multidict import CIMultiDict, CIMultiDictProxy

from nescord_core.settings import RestSettings
from support.rest.garbled_requests import garbled

TOKEN = "token-of-the-bot.that.nobody-may-see"
HOOK = b"secret-part"
ORIGIN = "http://127.0.0.1:1"
API = f"{ORIGIN}/api/v10"
PLAIN = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"id": "1"}'
INTENDED = {501, 502, 503, 504}
TURNS = 40
"""Iterations of the event loop after which everything caused by one input has finished."""


class Discord:
    """Fake pool of upstream connections; checks what it is sent."""

    async def send(
        self, _method: str, url: str, headers: CIMultiDict[str], _body: Any, **_options: Any
    ) -> UpstreamResponse:
        self.check(url, headers.values())
        now = asyncio.get_running_loop().time()
        answer = CIMultiDictProxy(CIMultiDict({"Content-Type": "application/json", "Via": "1.1 google"}))
        return UpstreamResponse(200, "OK", answer, b'{"id": "1"}', now, now)

    def check(self, url: str, values: Iterable[str]) -> None:
        assert url.startswith(f"{ORIGIN}/api/"), url
        assert not any("\r" in value or "\n" in value for value in values), url

    # What is sent without a task:

    def take_idle(self) -> object:
        return self

    def put_back(self, connection: object) -> None:
        pass

    def finished(self, connection: object, rest: object) -> None:
        pass

    def close(self) -> None:
        pass

    def start(self, _connection: object, data: bytes, receiver: Receiver, most: int) -> None:
        request = Sent()
        parser = httptools.HttpRequestParser(request)
        parser.feed_data(data)
        assert request.is_complete, data
        self.check(ORIGIN + request.url.decode(), ())
        plain = plain_response(PLAIN, most)
        assert plain is not None
        now = asyncio.get_running_loop().time()
        asyncio.get_running_loop().call_soon(receiver.received, plain, now, now)


class Sent:
    """A request as Discord reads it: there is exactly one."""

    def __init__(self) -> None:
        self.url = b""
        self.is_complete = False

    def on_message_begin(self) -> None:
        assert not self.is_complete

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_message_complete(self) -> None:
        self.is_complete = True


class Wire(asyncio.Transport):
    """A transport that records what is written."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.closed = False

    def write(self, data: Any) -> None:
        assert not self.closed, "written after close"
        self.written += data

    def close(self) -> None:
        self.closed = True

    abort = write_eof = close

    def can_write_eof(self) -> bool:
        return True

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


class Answers:
    """Parses the answers strictly."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.statuses: list[int] = []

    def on_message_complete(self) -> None:
        self.statuses.append(self.parser.get_status_code())


class Lines(logging.Handler):
    """Collects the log."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.text += self.format(record)


async def feed(connection: Connection, wire: Wire, data: bytes, cuts: list[int]) -> None:
    connection.connection_made(wire)
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        if wire.closed:
            break
        connection.data_received(data[start:end])
        await asyncio.sleep(0)
    for _ in range(TURNS):
        await asyncio.sleep(0)
    connection.connection_lost(None)
    await asyncio.sleep(0)


def check(wire: Wire, lines: Lines, metrics: bytes, data: bytes) -> None:
    assert not lines.text, lines.text
    for secret in (TOKEN.encode(), HOOK):
        assert secret not in metrics, data
    assert TOKEN.encode() not in wire.written, data
    if b"HEAD" in data or b"head" in data:
        return  # answers to HEAD have no body, which the parser would have to know
    answers = Answers()
    answers.parser.feed_data(wire.written)
    assert all(status < 500 or status in INTENDED for status in answers.statuses), (data, wire.written)


def new_labels(proxy: proxy_module.Proxy, known: list[int] = [0]) -> bool:  # noqa: B006 - the last count
    """Return whether the metrics may have new labels; rendering them each time would be slow."""
    labels = len(cast(Any, proxy)._metrics._requests)
    known[0], before = labels, known[0]
    return labels != before


async def metrics(proxy: proxy_module.Proxy) -> bytes:
    return proxy.metrics()


def corpus(folder: Path) -> None:
    chance = random.Random(1)
    for number in range(400):
        (folder / str(number)).write_bytes(garbled(chance))


def fuzz(minutes: float, folder: Path) -> None:
    loop = asyncio.new_event_loop()
    settings = RestSettings(token=TOKEN, api_url=API, state_dir=folder / "state", global_limit=10**9)
    proxy = proxy_module.Proxy(settings)
    cast(Any, proxy)._forwarder._upstream = cast(Any, proxy)._direct._upstream = Discord()
    lines = Lines()
    logging.getLogger("nescord").addHandler(lines)
    logging.getLogger("asyncio").addHandler(lines)
    server = Server(proxy.begin)
    running = server.running()
    loop.run_until_complete(running.__aenter__())

    def one(data: bytes) -> None:
        provider = atheris.FuzzedDataProvider(data)
        cuts = sorted({provider.ConsumeIntInRange(0, len(data)) for _ in range(data[0] % 3)}) if data else []
        wire, lines.text = Wire(), ""
        loop.run_until_complete(feed(new_connection(loop, server), wire, data, cuts))
        page = loop.run_until_complete(metrics(proxy)) if new_labels(proxy) else b""
        check(wire, lines, page, data)

    seeds = folder / "corpus"
    seeds.mkdir()
    corpus(seeds)
    arguments = [sys.argv[0], str(seeds), f"-max_total_time={int(minutes * 60)}", "-max_len=4096"]
    atheris.Setup(arguments, one)
    atheris.Fuzz()


def new_connection(loop: asyncio.AbstractEventLoop, server: Server) -> Connection:
    async def create() -> Connection:
        return server()

    return loop.run_until_complete(create())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    with tempfile.TemporaryDirectory() as folder:
        fuzz(parser.parse_args().minutes, Path(folder))
