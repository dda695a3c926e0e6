"""The service around the proxy: start, addresses, graceful stop."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from nescord_core.errors import ConfigError, PortTaken
from nescord_core.process.hosts import is_loopback
from nescord_core.services.rest import RestServer, serve
from nescord_core.settings import CacheOptions, RestSettings, SecuritySettings
from support.rest.fake_discord import TOKEN, FakeDiscord, slow
from support.rest.running_proxy import running_proxy


def settings(tmp_path: Path, **overrides: object) -> RestSettings:
    return RestSettings(token="t", port=0, state_dir=tmp_path, **overrides)  # type: ignore[arg-type]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_answers_health_checks_without_asking_discord(tmp_path: Path, path: str) -> None:
    async with running_proxy(tmp_path) as proxy:
        assert (await proxy.call("GET", path)).status == 200
        assert not proxy.discord.seen


async def test_its_own_routes_say_which_they_are_and_what_they_take(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        for method, path, status, said in (
            ("POST", "/healthz", 405, "accepts GET only"),
            ("DELETE", "/metrics", 405, "accepts GET only"),
            ("GET", "/nescord/unlock", 405, "accepts POST only"),
            ("POST", "/nescord/other", 404, "/nescord/unlock"),
        ):
            answer = await proxy.call(method, path)
            assert (answer.status, said in json.loads(answer.body)["message"]) == (status, True)
        assert not proxy.discord.seen


async def test_announces_itself_and_takes_it_back(tmp_path: Path) -> None:
    async with running_proxy(tmp_path) as proxy:
        presence = json.loads((tmp_path / "run" / "rest.json").read_text())
        assert (presence["service"], presence["address"], presence["pid"]) == (
            "rest",
            proxy.address,
            os.getpid(),
        )
    assert not (tmp_path / "run" / "rest.json").exists()


async def test_a_taken_port_names_its_holder(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]
        with pytest.raises(PortTaken) as caught:
            await serve(
                RestSettings(token="t", port=port, state_dir=tmp_path),
                stop=asyncio.Event(),
                on_ready=lambda _: None,
            )
    assert f"process {os.getpid()}" in str(caught.value)
    assert "NESCORD_REST_PORT" in str(caught.value)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "some-name"])
async def test_an_open_address_needs_a_secret(tmp_path: Path, host: str) -> None:
    with pytest.raises(ConfigError, match="NESCORD_SECRET"):
        await serve(settings(tmp_path, host=host), stop=asyncio.Event(), on_ready=lambda _: None)


async def test_an_address_of_another_machine_is_a_configuration_error(tmp_path: Path) -> None:
    wrong = settings(tmp_path, host="192.0.2.1", security=SecuritySettings(secret="s"))
    with pytest.raises(ConfigError, match=r"192\.0\.2\.1"):
        await serve(wrong, stop=asyncio.Event(), on_ready=lambda _: None)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("0.0.0.0", False),
    ],
)
def test_what_counts_as_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


async def test_stopping_finishes_what_is_in_flight_and_takes_nothing_new(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(0.5))
    async with running_proxy(tmp_path, fake) as proxy:
        call = asyncio.ensure_future(proxy.call("POST", "/channels/1/messages", json={}))
        await asyncio.sleep(0.1)
        proxy.stop.set()
        await asyncio.sleep(0.1)
        host, _, port = proxy.address.rpartition(":")
        with pytest.raises(OSError, match=r"refused|Connect call failed"):
            await asyncio.open_connection(host, int(port))
        assert (await call).status == 200
        await asyncio.wait_for(proxy.service, 5)


async def test_stopping_does_not_wait_for_ever(tmp_path: Path) -> None:
    fake = FakeDiscord()
    fake.fail(slow(60))
    async with running_proxy(tmp_path, fake, stop_timeout=0.2) as proxy:
        call = asyncio.ensure_future(proxy.call("POST", "/channels/1/messages", json={}))
        await asyncio.sleep(0.1)
        proxy.stop.set()
        await asyncio.wait_for(proxy.service, 5)
        await asyncio.wait([call])
        assert call.exception() is not None


def test_the_server_from_code_only_stores() -> None:
    server = RestServer(token="t", port=1, cache=CacheOptions(enabled=True, ttl=60.0), secret="s")
    assert (server.settings.port, server.settings.cache.ttl) == (1, 60.0)
    assert "'t'" not in repr(server.settings)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
async def test_a_signal_ends_the_server_in_order(tmp_path: Path, number: int) -> None:
    program = (
        "import sys\n"
        "from nescord_core import RestServer\n"
        "RestServer(token='token-of-the-bot', port=0, state_dir=sys.argv[1]).run()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-W",
        "error",
        "-c",
        program,
        str(tmp_path),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr is not None
    said = [await asyncio.wait_for(process.stderr.readline(), 20) for _ in range(2)]
    assert b"rest is ready on 127.0.0.1:" in said[-1]
    process.send_signal(number)
    _, errors = await asyncio.wait_for(process.communicate(), 20)
    assert process.returncode == 0
    assert errors.decode().split()[1:] == ["rest", "is", "stopping", f"({signal.Signals(number).name})"]


async def test_a_proxy_without_a_token_of_its_own_passes_those_of_its_callers(tmp_path: Path) -> None:
    async with running_proxy(tmp_path, token=None) as proxy:
        answer = await proxy.call("GET", "/users/1", headers={"Authorization": f"Bot {TOKEN}"})
        assert answer.status == 200
        assert proxy.discord.seen[0].headers["Authorization"] == f"Bot {TOKEN}"
