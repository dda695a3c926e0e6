"""The proxy with an https:// API, like the real one: certificates are verified, connections reused."""

from __future__ import annotations

import asyncio
import io
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from nescord_core.services.rest import serve
from nescord_core.settings import RestSettings
from support.network import certificates

pytestmark = pytest.mark.skipif(certificates.MISSING, reason="certificates are made with openssl")
BODY = b"x" * 200_000


class SecureApi:
    """Answers over TLS and counts its connections."""

    def __init__(self) -> None:
        self.connections: set[tuple[str, int]] = set()
        self.bodies: list[bytes] = []

    async def answer(self, request: web.Request) -> web.StreamResponse:
        assert request.transport is not None
        self.connections.add(request.transport.get_extra_info("peername"))
        self.bodies.append(await request.read())
        return web.Response(body=BODY, content_type="application/json")


@asynccontextmanager
async def secure_api(folder: Path) -> AsyncIterator[tuple[SecureApi, str]]:
    files = certificates.make(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(str(files.tls_cert), str(files.tls_key))
    api = SecureApi()
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{tail:.*}", api.answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    port = runner.addresses[0][1]
    try:
        yield api, f"https://127.0.0.1:{port}/api/v10"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def proxy(api_url: str, state_dir: Path) -> AsyncIterator[Callable[..., object]]:
    stop, address = asyncio.Event(), asyncio.get_running_loop().create_future()
    settings = RestSettings(token="t", api_url=api_url, port=0, state_dir=state_dir, retries=1)
    async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession() as session:
        tasks.create_task(serve(settings, stop=stop, on_ready=address.set_result))
        where = await address

        async def call(method: str, path: str, data: bytes | None = None) -> tuple[int, bytes]:
            async with session.request(
                method, f"http://{where}{path}", data=data and io.BytesIO(data)
            ) as response:
                return response.status, await response.read()

        yield call
        stop.set()


async def test_requests_go_over_tls_and_keep_their_connection(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with secure_api(tmp_path / "api") as (api, url):
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "api" / "ca.pem"))
        async with proxy(url, tmp_path / "state") as call:
            for _ in range(5):
                assert await call("PATCH", "/channels/1", BODY) == (200, BODY)  # type: ignore[misc]
            large = BODY * 20  # spooled to disk
            assert await call("POST", "/channels/1/messages", large) == (200, BODY)  # type: ignore[misc]
        assert [len(body) for body in api.bodies] == [len(BODY)] * 5 + [len(large)]
        assert len(api.connections) <= 3  # one for small bodies, one for large ones, one for a probe


async def test_a_certificate_that_nobody_vouches_for_is_refused(tmp_path: Path) -> None:
    async with secure_api(tmp_path / "api") as (api, url), proxy(url, tmp_path / "state") as call:
        status, body = await call("GET", "/channels/1")  # type: ignore[misc]
    assert status == 502
    assert b"certificate" in body
    assert api.bodies == []
