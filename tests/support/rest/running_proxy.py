"""The REST proxy as a service on a free port, in front of a fake Discord."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Coroutine, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import aiohttp
from yarl import URL

from nescord_core.services.rest import serve
from nescord_core.settings import CacheOptions, RestSettings
from support.rest.fake_discord import TOKEN, FakeDiscord, fake_discord


@dataclass
class Answer:
    status: int
    headers: Any
    body: bytes

    @property
    def cache(self) -> str | None:
        mark = self.headers.get("X-Nescord-Cache")
        return None if mark is None else str(mark)


@dataclass
class Running:
    """``call`` sends a request line exactly as given."""

    discord: FakeDiscord
    address: str
    session: aiohttp.ClientSession
    stop: asyncio.Event
    service: asyncio.Task[None]

    async def call(self, method: str, path: str, **options: Any) -> Answer:
        url = URL(f"http://{self.address}{path}", encoded=True)
        async with self.session.request(method, url, allow_redirects=False, **options) as response:
            return Answer(response.status, response.headers.copy(), await response.read())

    async def in_turn(self, calls: Iterable[Coroutine[Any, Any, Answer]]) -> list[Answer]:
        """Start calls that reach the proxy one after the other, without waiting for their responses."""
        async with asyncio.TaskGroup() as group:
            tasks: list[asyncio.Task[Answer]] = []
            for call in calls:
                tasks.append(group.create_task(call))
                await self._taken(tasks)
        return [task.result() for task in tasks]

    async def _taken(self, tasks: list[asyncio.Task[Answer]]) -> None:
        while True:
            health = json.loads((await self.call("GET", "/healthz")).body)
            if health["queued"] + health["in_flight"] + sum(task.done() for task in tasks) >= len(tasks):
                return

    async def raw(self, data: bytes, *, wait: float = 5.0) -> bytes:
        """Send bytes; return everything received until the proxy closes or ``wait`` seconds have passed."""
        host, _, port = self.address.rpartition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        received = b""
        try:
            writer.write(data)
            async with asyncio.timeout(wait):
                while chunk := await reader.read(65536):
                    received += chunk
        except (TimeoutError, ConnectionError):
            pass
        finally:
            writer.close()
        return received


@dataclass
class Started:
    """``stop`` ends the service in order."""

    address: str
    stop: asyncio.Event
    service: asyncio.Task[None]


@asynccontextmanager
async def serving(settings: RestSettings) -> AsyncIterator[Started]:
    """Run the service while the block runs."""
    stop = asyncio.Event()
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with asyncio.TaskGroup() as group:
        service = group.create_task(serve(settings, stop=stop, on_ready=ready.set_result))
        service.add_done_callback(lambda _: ready.cancel())
        try:
            yield Started(await ready, stop, service)
        finally:
            stop.set()


@asynccontextmanager
async def running_proxy(
    state_dir: Path, discord: FakeDiscord | None = None, **overrides: Any
) -> AsyncIterator[Running]:
    async with fake_discord(discord) as fake:
        settings = RestSettings(
            token=TOKEN,
            api_url=fake.url,
            port=0,
            state_dir=state_dir,
            retry_backoff=0.01,
            stop_timeout=2.0,
            # Without ws a response is cached for one second only, and a test's earlier request may be longer
            # ago than that.
            cache=CacheOptions(unlinked_ttl=60.0),
        )
        settings = replace(settings, **overrides)
        async with serving(settings) as started:
            connector = aiohttp.TCPConnector(limit=0)
            async with aiohttp.ClientSession(connector=connector, auto_decompress=False) as session:
                yield Running(fake, started.address, session, started.stop, started.service)
