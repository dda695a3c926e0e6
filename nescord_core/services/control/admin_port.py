"""The admin port of a service: /healthz, /readyz, /stats and /metrics, and commands as POST requests."""

from __future__ import annotations

import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from aiohttp import web

from nescord_core.errors import NescordError
from nescord_core.process.ports import refusal

__all__ = ["Admin", "serve_admin"]

Facts = Mapping[str, Any]
SECRET_HEADER = "X-Nescord-Secret"  # noqa: S105 - a header's name


@dataclass(frozen=True)
class Admin:
    """The content of an admin port.

    ``unhealthy`` and ``unready`` return the current problems, one sentence each; an empty list means healthy
    or ready. ``metrics`` returns Prometheus' text format. ``commands`` are available as ``POST /<name>``.
    ``stats`` and ``metrics`` may be coroutine functions.
    """

    service: str
    unhealthy: Callable[[], list[str]]
    unready: Callable[[], list[str]]
    stats: Callable[[], Facts | Awaitable[Facts]]
    metrics: Callable[[], bytes | Awaitable[bytes]]
    commands: Mapping[str, Callable[[], Awaitable[Facts]]] = field(default_factory=dict)


@asynccontextmanager
async def serve_admin(
    admin: Admin, host: str, port: int, *, key: str, secret: str | None = None
) -> AsyncIterator[str]:
    """Serve for the duration of the block; yields host:port.

    With a secret, every path except /healthz and /readyz requires it.

    Raises:
        PortTaken: the port is in use; ``key`` names the setting to change.
        ConfigError: the address is not one of this machine, or this user may not bind it.

    """
    app = web.Application(middlewares=[_authorised(secret)])
    app.add_routes(
        [
            web.get("/healthz", _verdict(admin.unhealthy)),
            web.get("/readyz", _verdict(admin.unready)),
            web.get("/stats", _stats(admin)),
            web.get("/metrics", _metrics(admin)),
            *(web.post(f"/{name}", _command(act)) for name, act in admin.commands.items()),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            raise refusal(error, host, port, service=admin.service, key=key) from None
        bound = runner.addresses[0]
        yield f"{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


def _authorised(secret: str | None) -> Any:
    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        shown = request.headers.get(SECRET_HEADER, "")
        open_to_all = secret is None or request.path in ("/healthz", "/readyz")
        if not open_to_all and not hmac.compare_digest(shown.encode(), str(secret).encode()):
            return web.json_response({"error": f"Send the secret in {SECRET_HEADER}."}, status=401)
        # A web page can POST to loopback as well, but it cannot omit its Origin.
        if request.method == "POST" and "Origin" in request.headers:
            return web.json_response({"error": "Not for browsers."}, status=403)
        response: web.StreamResponse = await handler(request)
        return response

    return check


def _verdict(problems: Callable[[], list[str]]) -> Any:
    async def answer(_: web.Request) -> web.Response:
        found = problems()
        body = {"ok": not found, "problems": found}
        return web.json_response(body, status=503 if found else 200)

    return answer


def _stats(admin: Admin) -> Any:
    async def answer(_: web.Request) -> web.Response:
        facts = admin.stats()
        return web.json_response(dict(await facts if isawaitable(facts) else facts))

    return answer


def _metrics(admin: Admin) -> Any:
    async def answer(_: web.Request) -> web.Response:
        text = admin.metrics()
        body = await text if isawaitable(text) else text
        return web.Response(body=body, content_type="text/plain", charset="utf-8")

    return answer


def _command(act: Callable[[], Awaitable[Facts]]) -> Any:
    async def answer(_: web.Request) -> web.Response:
        try:
            return web.json_response(dict(await act()))
        except NescordError as error:
            return web.json_response({"error": str(error)}, status=409)

    return answer
