"""A Discord that sends what it never should, to a real ws with a real main behind it."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import psutil
import pytest
import zstandard
from aiohttp import web

from integration.gateway.scripted import Gone, Peer, Scripted, serving
from support.processes.commands import fetch
from support.system import delivery_report
from support.system.system import System
from support.system.under_attack import watched

DEEP = "[" * 3000 + "]" * 3000
MB = 1 << 20


@pytest.fixture
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("odd-discord") / "bot")
    system.environ["DISCORD_BOT_TOKEN"] = "MTA.fake.token"
    system.environ["NESCORD_IDENTIFY_WINDOW"] = "0.1"
    yield system
    for started in system.started:
        print(started)
    system.close()


class OddDiscord(Scripted):
    """Answers GET /gateway/bot in turn, and serves one shard whose events the test sends."""

    def __init__(self, answers: list[web.Response]) -> None:
        super().__init__(self.talk)
        self.answers = answers
        self.seq = 0
        self.number = 0
        self.identifies = 0
        self.resumes = 0
        self.interval = 41.25
        self.resume_url: str | None = None
        self.replayed = b""
        """A message that precedes each RESUMED, as ws has not read past it."""

    async def serve(self, request: web.Request) -> web.StreamResponse:
        if not request.path.endswith("/gateway/bot"):
            return await super().serve(request)
        answer = self.answers.pop(0) if self.answers else web.json_response({"url": self.url, "shards": 1})
        return web.Response(status=answer.status, body=answer.body, headers=answer.headers.copy())

    async def talk(self, peer: Peer) -> None:
        await peer.hello(self.interval)
        while (asked := await peer.receive())["op"] == 1:
            await peer.send(11)
        if asked["op"] == 2:
            self.seq = 1
            self.identifies += 1
            await peer.ready(f"session-{self.identifies}", self.resume_url)
        else:
            self.resumes += 1
            if self.replayed:
                await _send(peer, self.replayed)
            self.seq = max(self.seq, asked["d"]["seq"]) + 1
            await peer.event(self.seq, "RESUMED")
        await peer.until_gone()

    async def raw(self, text: str) -> None:
        """Send a payload as text that is not checked."""
        await _send(self.peers[-1], text.encode())

    async def again_and_again(self, message: bytes) -> None:
        """Send a message, and send it again after each RESUME."""
        self.replayed = message
        await _send(self.peers[-1], message)

    async def event(self, d: str, kind: str = "MESSAGE_CREATE", seq: int | None = None) -> None:
        if seq is None:
            self.seq += 1
        await self.raw(f'{{"t":{json.dumps(kind)},"s":{self.seq if seq is None else seq},"op":0,"d":{d}}}')

    async def good(self) -> None:
        """Send a message that the bot records."""
        self.number += 1
        author = {"id": "5", "username": "u", "bot": False}
        d = {"id": "1", "guild_id": "7", "channel_id": "8", "content": f"odd {self.number}", "author": author}
        await self.event(json.dumps(d))

    async def until(self, what: str, number: int) -> None:
        """Wait until ws has sent so many RESUMEs or IDENTIFYs, and is served."""
        async with asyncio.timeout(40):
            while getattr(self, what) < number:  # noqa: ASYNC110 - the scripts of the connections count
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.2)


async def _send(peer: Peer, message: bytes) -> None:
    assert peer._zstd is not None
    await peer.ws.send_bytes(
        peer._zstd.compress(message) + peer._zstd.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
    )


@asynccontextmanager
async def discord(system: System, *answers: web.Response) -> AsyncIterator[OddDiscord]:
    server = OddDiscord(list(answers))
    async with serving(server.serve) as url:
        server.url = f"{url.replace('http://', 'ws://')}/gateway"
        system.environ["DISCORD_API_URL"] = f"{url}/api/v10"
        yield server
    assert not [each for each in server.errors if not isinstance(each, Gone)], server.errors


async def ready(system: System, service: str, path: str = "/readyz") -> None:
    await asyncio.to_thread(system.until_answers, service, path)


def handled(system: System) -> list[int]:
    return [record.number for record in delivery_report.read(system.ledger) if record.load == "odd"]


@pytest.mark.bound(
    "What Discord's gateway sends to ws: the answer of GET /gateway/bot",
    "What Discord's gateway sends to ws: shards on a host",
)
async def test_answers_of_gateway_bot(system: System) -> None:
    deflate = zlib.compressobj(wbits=31)
    bomb = deflate.compress(bytes(300 * MB)) + deflate.flush()
    async with discord(
        system,
        web.Response(body=bomb, headers={"Content-Encoding": "gzip", "Content-Type": "application/json"}),
        web.json_response({"url": "wss://" + "x" * MB, "shards": 1}),
        web.json_response({"url": "wss://gateway.example", "shards": 10**9}),
        web.json_response({"url": "wss://gateway.example", "shards": 100_000}),
    ) as odd:
        ws = system.start("run", "ws")
        await ready(system, "ws", "/healthz")
        with watched(system, "ws", most_mb=60):
            async with asyncio.timeout(60):
                while "asking again in 60 s" not in ws.output:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.1)
            status, answer = await asyncio.to_thread(
                fetch, "GET", f"http://127.0.0.1:{system.ports['ws']}/readyz"
            )
            assert status == 503
            assert "100000 shards need 6250 processes" in str(answer)
            assert len(psutil.Process(ws.pid).children(recursive=True)) <= 2
        assert not odd.answers
        assert len(ws.output) < 10_000
        assert await asyncio.to_thread(ws.stop) == 0


@pytest.mark.bound(
    "What Discord's gateway sends to ws: a payload, as it arrives and inflated",
    "What Discord's gateway sends to ws: an event of an unexpected shape",
    "What Discord's gateway sends to ws: a message that is no JSON",
    "What Discord's gateway sends to ws: a sequence number",
    "What Discord's gateway sends to ws: an id",
    "What Discord's gateway sends to ws: the heartbeat interval in Hello",
    "What Discord's gateway sends to ws: resume_gateway_url in READY",
    "What Discord's gateway sends to ws: types of events whose first odd one is logged",
)
async def test_frames(system: System) -> None:
    async with discord(system) as odd:
        odd.resume_url = "ws://gateway.example/"
        main = system.start("run", "main")
        ws = system.start("run", "ws")
        await ready(system, "ws")
        await ready(system, "main_admin")
        with watched(system, "ws", most_mb=200), watched(system, "main", most_mb=60):
            for attack in (_shapes, _numbers, _no_json, _types, _falling_numbers, _bombs, _intervals):
                await attack(odd)
                await odd.good()
            async with asyncio.timeout(30):
                while len(handled(system)) < odd.number:  # noqa: ASYNC110 - another process writes it
                    await asyncio.sleep(0.05)
        assert handled(system) == [*range(1, odd.number + 1)]
        assert "gateway.example/, which is not trusted" in ws.output
        assert ws.output.count("ODD_") <= 1100
        for each in (ws, main):
            assert "Traceback" not in each.output


async def _shapes(odd: OddDiscord) -> None:
    for d in (
        "null",
        "[1,2]",
        '{"guild_id":"-5"}',
        '{"guild_id":"18446744073709551617"}',
        '{"channel_id":{}}',
    ):
        await odd.event(d, "TYPING_START")
        await odd.good()
    await odd.event(f'{{"x":{DEEP}}}')
    assert (odd.identifies, odd.resumes) == (1, 0)


async def _numbers(odd: OddDiscord) -> None:
    for seq in (1 << 62, 1 << 64, 0, -9, odd.seq + 1_000_100):
        await odd.event("{}", seq=seq)
        await odd.good()
    assert (odd.identifies, odd.resumes) == (1, 0)


async def _no_json(odd: OddDiscord) -> None:
    """The session is resumed once; the same again is ignored."""
    await odd.again_and_again(b"no JSON")
    await odd.until("resumes", 1)
    odd.replayed = b""
    await odd.good()
    assert (odd.identifies, odd.resumes) == (1, 1)


async def _types(odd: OddDiscord) -> None:
    for number in range(1500):
        await odd.event(f'{{"x":{DEEP}}}', f"ODD_{number}")


async def _falling_numbers(odd: OddDiscord) -> None:
    """A number that is far too high, but possible, and then the true ones."""
    await odd.event("{}", "TYPING_START", seq=odd.seq + 900_000)
    for number in range(64):
        await odd.event("{}", "TYPING_START", seq=odd.seq + number + 1)
    await odd.until("identifies", 2)


async def _bombs(odd: OddDiscord) -> None:
    """The same payload three times costs the session, and no memory."""
    resumes = odd.resumes
    await odd.again_and_again(bytes(300 * MB))
    await odd.until("identifies", 3)
    odd.replayed = b""
    assert odd.resumes == resumes + 2


async def _intervals(odd: OddDiscord) -> None:
    """A Hello with an impossible interval is no connection; a possible one is."""
    connections, odd.interval = len(odd.peers), 1e-6
    odd.peers[-1].reset()
    async with asyncio.timeout(30):
        while len(odd.peers) < connections + 2:  # noqa: ASYNC110 - connections come by themselves
            await asyncio.sleep(0.02)
    resumes, odd.interval = odd.resumes, 41.25
    await odd.until("resumes", resumes + 1)
