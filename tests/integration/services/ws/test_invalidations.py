"""Cache invalidation with the real sandbox, ws and rest: changes past the proxy reach its cache."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.events import Intents
from nescord_core.services import rest
from nescord_core.services.ws import parent
from nescord_core.settings import CacheOptions, RestSettings, SecuritySettings, WsSettings
from support.sandbox.running import RunningSandbox, running_sandbox

TIMEOUT = 20.0
SOON = 2.0
"""Seconds; the promise is 0.25, but the machine may be busy with other tests."""
ALL_INTENTS = int(Intents.all())


@dataclass
class Setup:
    """A running system: ``get`` asks the proxy, ``change`` asks the sandbox itself, past the proxy."""

    sandbox: RunningSandbox
    rest: str
    ws_stop: asyncio.Event

    async def get(self, path: str) -> tuple[str, Any]:
        async with self.sandbox.http.get(f"http://{self.rest}{path}") as answer:
            assert answer.status == 200, await answer.text()
            return answer.headers["X-Nescord-Cache"], await answer.json()

    async def change(self, method: str, path: str, **fields: Any) -> Any:
        headers = {"Authorization": f"Bot {self.sandbox.token}", "Content-Type": "application/json"}
        url = f"{self.sandbox.url}/api/v10{path}"
        async with self.sandbox.http.request(method, url, data=json.dumps(fields), headers=headers) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def until_kept(self, path: str, *, longer_than: float = 0.4) -> None:
        """Wait until an answer is still a hit after that time: then every shard is linked to rest."""
        async with asyncio.timeout(TIMEOUT):
            while True:
                await self.get(path)
                await asyncio.sleep(longer_than)
                if (await self.get(path))[0] == "hit":
                    return

    async def until_hit(self, path: str) -> None:
        """Wait until the answer is cached: the event of an earlier change may still be in flight."""
        async with asyncio.timeout(TIMEOUT):
            while (await self.get(path))[0] != "hit":
                pass

    async def until_shown(self, path: str, wanted: Callable[[Any], bool]) -> float:
        """Return for how many seconds the proxy keeps returning the old answer."""
        started = time.monotonic()
        async with asyncio.timeout(TIMEOUT):
            while not wanted((await self.get(path))[1]):  # noqa: ASYNC110 - the change happens in another process
                await asyncio.sleep(0.01)
        return time.monotonic() - started


async def serve_rest(settings: RestSettings, stop: asyncio.Event, ready: Callable[[str], None]) -> None:
    await rest.serve(settings, stop=stop, on_ready=ready)


@asynccontextmanager
async def setup(directory: Path) -> AsyncIterator[Setup]:
    stop, ws_stop = asyncio.Event(), asyncio.Event()
    address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    async with running_sandbox(global_limit=10_000) as sandbox, asyncio.TaskGroup() as tasks:
        api = f"{sandbox.url}/api/v10"
        cache = CacheOptions(ttl=600.0, unlinked_ttl=0.2)
        proxy = RestSettings(sandbox.token, api, port=0, cache=cache, state_dir=directory / "rest")
        tasks.create_task(serve_rest(proxy, stop, address.set_result))
        gateway = WsSettings(
            token=sandbox.token,
            intents=ALL_INTENTS,
            api_url=api,
            grpc_hosts=("127.0.0.1:9",),
            admin_port=0,
            state_dir=directory / "ws",
            identify_window=0.0,
            stop_timeout=0.5,
            rest_url=f"http://{await address}",
        )
        serving = tasks.create_task(parent.serve(gateway, stop=ws_stop, on_ready=lambda _: None))
        try:
            yield Setup(sandbox, address.result(), ws_stop)
        finally:
            ws_stop.set()
            await asyncio.wait([serving])
            stop.set()


async def test_a_hit_is_never_older_than_the_event(tmp_path: Path) -> None:
    async with setup(tmp_path) as run:
        world = await run.sandbox.get("/state")
        guild = world["guilds"][0]["id"]
        owner = (await run.get(f"/guilds/{guild}"))[1]["owner_id"]
        channels = (await run.get(f"/guilds/{guild}/channels"))[1]
        channel = next(each["id"] for each in channels if each["type"] == 0)
        member = next(
            each["user"]["id"]
            for each in (await run.get(f"/guilds/{guild}/members?limit=100"))[1]
            if not each["user"].get("bot") and each["user"]["id"] != owner
        )
        await run.until_kept(f"/channels/{channel}")
        role = (await run.change("POST", f"/guilds/{guild}/roles", name="first"))["id"]

        def roles(path: str, name: str) -> Awaitable[float]:
            return run.until_shown(path, lambda found: any(each["name"] == name for each in found))

        took = [await roles(f"/guilds/{guild}/roles", "first")]
        for number in range(3):
            name = f"number {number}"
            paths = (f"/channels/{channel}", f"/guilds/{guild}/roles", f"/guilds/{guild}/members/{member}")
            for path in paths:
                await run.until_hit(path)
            await run.change("PATCH", f"/channels/{channel}", nsfw=number % 2 == 0)
            took.append(await run.until_shown(paths[0], _nsfw_is(number % 2 == 0)))
            await run.change("PATCH", f"/guilds/{guild}/roles/{role}", name=name)
            took.append(await roles(paths[1], name))
            await run.change("PATCH", f"/guilds/{guild}/members/{member}", nick=name)
            took.append(await run.until_shown(paths[2], lambda m, n=name: m["nick"] == n))  # type: ignore[misc]
        assert max(took) < SOON, took


def _nsfw_is(wanted: bool) -> Callable[[Any], bool]:
    return lambda channel: channel.get("nsfw", False) == wanted


async def test_without_ws_answers_are_kept_for_a_moment_only(tmp_path: Path) -> None:
    async with setup(tmp_path) as run:
        guild = (await run.sandbox.get("/state"))["guilds"][0]["id"]
        path = f"/guilds/{guild}"
        await run.until_kept(path, longer_than=0.6)
        run.ws_stop.set()
        async with asyncio.timeout(TIMEOUT):
            while True:
                await run.get(path)
                await asyncio.sleep(0.3)
                if (await run.get(path))[0] == "miss":
                    return


async def test_an_own_route_needs_the_secret(tmp_path: Path) -> None:
    """A caller without the secret can neither drop cached answers nor pretend to be ws."""
    async with running_sandbox() as sandbox, asyncio.TaskGroup() as tasks:
        stop = asyncio.Event()
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        settings = RestSettings(
            sandbox.token,
            f"{sandbox.url}/api/v10",
            port=0,
            state_dir=tmp_path,
            security=SecuritySettings(secret="known"),
        )
        tasks.create_task(serve_rest(settings, stop, address.set_result))
        url = f"http://{await address}/nescord/invalidate"
        async with aiohttp.ClientSession() as http:
            async with http.post(url, data=b'{"items": []}') as answer:
                assert answer.status == 401
            async with http.post(url, data=b'{"items": []}', headers={"X-Nescord-Secret": "known"}) as answer:
                assert answer.status == 204
        stop.set()
