"""The sandbox as a service: one socket, its guard, its start and its end."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from nescord_core.errors import ConfigError, PortTaken
from nescord_core.services.sandbox import routes, serve
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from nescord_core.settings import SandboxSettings
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, running_sandbox


async def status_of(sandbox: RunningSandbox, method: str, path: str, **headers: str) -> tuple[int, Any]:
    named = {key.replace("_", "-"): value for key, value in headers.items()}
    async with sandbox.http.request(method, f"{sandbox.url}{path}", headers=named, data="{}") as answer:
        return answer.status, answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "127.0.0.1.evil.example:7000"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
)
@pytest.mark.parametrize("path", ["/", "/sandbox/state", "/sandbox/say", "/api/v10/gateway", "/gateway?v=10"])
async def test_other_hosts_and_origins_are_refused_everywhere(path: str, headers: dict[str, str]) -> None:
    async with running_sandbox() as sandbox:
        for method in ("GET", "POST"):
            status, answered = await status_of(sandbox, method, path, **headers)
            assert status == 403
            assert not [name for name in answered if name.lower().startswith("access-control")]


async def test_the_page_itself_and_plain_clients_are_welcome() -> None:
    async with running_sandbox() as sandbox:
        assert (await status_of(sandbox, "GET", "/sandbox/state", Origin=sandbox.url))[0] == 200
        assert (await status_of(sandbox, "GET", "/sandbox/state", Sec_Fetch_Site="same-origin"))[0] == 200
        link = {"Sec_Fetch_Site": "cross-site", "Sec_Fetch_Mode": "navigate", "Sec_Fetch_Dest": "document"}
        assert (await status_of(sandbox, "GET", "/", **link))[0] == 200
        assert (await status_of(sandbox, "POST", "/sandbox/typing", **link))[0] == 403


@pytest.mark.parametrize("path", ["/gateway", "/gateway/resume", "/sandbox/events"])
async def test_websockets_of_other_pages_are_refused(path: str) -> None:
    async with running_sandbox() as sandbox:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await sandbox.http.ws_connect(f"{sandbox.url}{path}?v=10", origin="http://evil.example")
        assert caught.value.status == 403


class Service:
    """`serve` as a task, with the address that it reports."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.stop = asyncio.Event()
        self.ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()

    async def run(self) -> None:
        await serve(self.settings, stop=self.stop, on_ready=self.ready.set_result)


async def test_the_service_announces_its_address_and_cleans_up(tmp_path: Path) -> None:
    service = Service(SandboxSettings(port=unused_port(), state_dir=tmp_path))
    async with asyncio.TaskGroup() as group, aiohttp.ClientSession() as http:
        group.create_task(service.run())
        address = await service.ready
        written = json.loads((tmp_path / "run" / "sandbox.json").read_text())
        assert (written["service"], written["address"]) == ("sandbox", address)
        for path in ("/healthz", "/readyz"):
            async with http.get(f"http://{address}{path}") as answer:
                assert answer.status == 200
        service.stop.set()
    assert not (tmp_path / "run" / "sandbox.json").exists()


async def test_stopping_sends_clients_away_to_resume_and_ends_soon_even_with_a_silent_client(
    tmp_path: Path,
) -> None:
    service = Service(SandboxSettings(port=unused_port(), state_dir=tmp_path))
    async with asyncio.timeout(15), asyncio.TaskGroup() as group:
        group.create_task(service.run())
        address = await service.ready
        async with (
            RawGateway(f"ws://{address}/gateway") as bot,
            RawGateway(f"ws://{address}/gateway") as mute,
        ):
            await bot.identify(TOKEN, intents=0)
            await mute.receive()
            mute.ws._response.connection.transport.pause_reading()  # type: ignore[union-attr]
            service.stop.set()
            assert (await bot.receive())["op"] == 7
            assert await bot.closed() == 1012


async def test_the_same_port_can_be_used_again_at_once(tmp_path: Path) -> None:
    settings = SandboxSettings(port=unused_port(), state_dir=tmp_path)
    for _ in range(2):
        service = Service(settings)
        async with asyncio.TaskGroup() as group:
            group.create_task(service.run())
            async with RawGateway(f"ws://{await service.ready}/gateway") as client:
                await client.receive()
                service.stop.set()


async def test_a_taken_port_names_its_holder(tmp_path: Path) -> None:
    async with running_sandbox() as sandbox:
        port = int(sandbox.address.rpartition(":")[2])
        with pytest.raises(PortTaken, match=r"sandbox\.listen"):
            await Service(SandboxSettings(port=port, state_dir=tmp_path)).run()


async def test_an_address_beyond_loopback_is_a_configuration_error(tmp_path: Path) -> None:
    settings = SandboxSettings(host="0.0.0.0", port=0, state_dir=tmp_path)
    with pytest.raises(ConfigError, match="this machine only"):
        await Service(settings).run()


async def test_ipv6_loopback(tmp_path: Path) -> None:
    settings = replace(SandboxSettings(), host="::1", port=0)
    try:
        async with running_sandbox(host="::1") as sandbox:
            assert sandbox.address.startswith("[::1]:")
            assert (await sandbox.get("/state"))["guild_count"] == settings.guilds
    except OSError:
        pytest.skip("this machine has no IPv6 loopback")


def test_routes_name_method_path_and_state() -> None:
    table = list(routes())
    assert ("GET", "/gateway/bot", "done") in table
    assert {state for _, _, state in table} <= {"done", "partly", "missing"}
