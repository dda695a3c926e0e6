"""The admin port of a service: /healthz, /readyz, /stats and /metrics, and commands as POST requests."""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from inspect import isawaitable
from typing import Any

from aiohttp import web

from nescord_core.errors import NescordError
from nescord_core.process.hosts import is_trusted_host
from nescord_core.process.ports import refusal
from nescord_core.process.safe_text import printable
from nescord_core.services.control.idle_connections import ConnectionLimits, IdleConnections
from nescord_core.settings import SecuritySettings

__all__ = ["Admin", "serve_admin"]

Facts = Mapping[str, Any]
_WRONG_HOST = (
    "{} is not a name of this machine: a web page may have chosen it. Use an address or localhost, or add the"
    " name to security.hosts (NESCORD_HOSTS)."
)
BACKLOG = 1024
"""Connections that may wait to be accepted; with fewer, a health check in a crowd has to be sent again."""
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
    admin: Admin,
    host: str,
    port: int,
    *,
    key: str,
    security: SecuritySettings,
    limits: ConnectionLimits = ConnectionLimits(),  # noqa: B008 - frozen
) -> AsyncIterator[str]:
    """Serve for the duration of the block; yields host:port.

    With a secret, every path except /healthz and /readyz requires it. A caller that does not show it must
    name this machine in its Host header: no web page can choose such a name.

    Raises:
        PortTaken: the port is in use; ``key`` names the setting to change.
        ConfigError: the address is not one of this machine, or this user may not bind it.

    """
    connections = IdleConnections(limits)
    app = web.Application(middlewares=[_watched(connections), _authorised(security)])
    app.add_routes(
        [
            web.get("/healthz", _verdict(admin.unhealthy)),
            web.get("/readyz", _verdict(admin.unready)),
            web.get("/stats", _stats(admin)),
            web.get("/metrics", _metrics(admin)),
            *(web.post(f"/{name}", _command(act)) for name, act in admin.commands.items()),
        ]
    )
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, lingering_time=0.0)
    await runner.setup()
    assert runner.server is not None
    try:
        async with _listening(admin, host, port, key, connections.bounded(runner.server)) as listener:
            bound = listener.sockets[0].getsockname()
            yield f"{bound[0]}:{bound[1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def _listening(
    admin: Admin, host: str, port: int, key: str, factory: Callable[[], asyncio.Protocol]
) -> AsyncIterator[asyncio.Server]:
    try:
        listener = await asyncio.get_running_loop().create_server(factory, host, port, backlog=BACKLOG)
    except OSError as error:
        raise refusal(error, host, port, service=admin.service, key=key) from None
    try:
        yield listener
    finally:
        listener.close()


def _watched(connections: IdleConnections) -> Any:
    @web.middleware
    async def watch(request: web.Request, handler: Any) -> web.StreamResponse:
        connections.began(request.protocol)
        try:
            response: web.StreamResponse = await handler(request)
        finally:
            connections.ended(request.protocol)
        return response

    return watch


def _authorised(security: SecuritySettings) -> Any:
    secret = security.secret

    @web.middleware
    async def check(request: web.Request, handler: Any) -> web.StreamResponse:
        # Bytes that are no UTF-8 arrive as surrogates.
        shown = request.headers.get(SECRET_HEADER, "").encode(errors="surrogateescape")
        has_secret = secret is not None and hmac.compare_digest(shown, secret.encode())
        host = request.headers.get("Host", "localhost")  # no browser leaves it out
        if not has_secret and not is_trusted_host(host, security.hosts):
            return web.json_response({"error": _WRONG_HOST.format(printable(host, 64))}, status=403)
        if secret is not None and not has_secret and request.path not in ("/healthz", "/readyz"):
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
