"""The REST service: runs the proxy on its port and stops it in order."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from nescord_core.config import load
from nescord_core.errors import ConfigError
from nescord_core.process import descriptors, state_dir
from nescord_core.process.hosts import is_loopback
from nescord_core.process.ports import is_taken, refusal
from nescord_core.rest.proxy.proxy import Proxy
from nescord_core.rest.proxy.server.server import Server
from nescord_core.services import service_process
from nescord_core.services.control.running_services import announce
from nescord_core.settings import CacheOptions, RestSettings
from nescord_core.tracing.export import exporting

__all__ = ["RestServer", "serve"]

CALLERS_SHARE = 0.4
"""Share of the open files that callers may have; each may need another to Discord, and one for its body."""

_log = logging.getLogger("nescord.rest")


async def serve(settings: RestSettings, *, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Serve until ``stop``; then finish requests in flight for up to ``settings.stop_timeout`` seconds.

    ``on_ready`` receives the address, ``host:port``, once requests are accepted. Raises `ConfigError` if
    other machines can reach the address without a secret, or if state_dir is not writable; and `PortTaken`.
    """
    check_exposure(settings)
    state_dir.prepare(settings.state_dir)
    proxy = Proxy(settings)
    with service_process.one_error(), exporting("rest"):
        http = Server(
            proxy.begin,
            head_timeout=settings.head_timeout,
            idle_timeout=settings.idle_timeout,
            max_connections=min(settings.max_connections, int(descriptors.limit() * CALLERS_SHARE)),
        )
        async with proxy.running(), http.running() as server:
            await _serve(settings, proxy, server, stop, on_ready)


async def _serve(
    settings: RestSettings, proxy: Proxy, server: Server, stop: asyncio.Event, on_ready: Callable[[str], None]
) -> None:
    listener = await _listen(settings, server)
    try:
        address = _address(listener)
        with announce(settings.state_dir, "rest", address=address, admin=address):
            _log.info("rest serves %s for %s", address, settings.api_url)
            on_ready(address)
            await stop.wait()
            await _finish(listener, server, proxy, settings.stop_timeout)
    finally:
        listener.close()


def check_exposure(settings: RestSettings) -> None:
    """Refuse to serve other machines without a secret. Raises `ConfigError`."""
    if settings.security.secret or is_loopback(settings.host):
        return
    raise ConfigError(
        f"{settings.host} can be reached from other machines, and no secret is set.",
        where="rest.host",
        hint="Set security.secret (NESCORD_SECRET), or bind to 127.0.0.1.",
    )


async def _listen(settings: RestSettings, server: Server) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(server, settings.host, settings.port, backlog=1024)
    except OSError as error:
        key = "rest.port (NESCORD_REST_PORT)" if is_taken(error) else "rest.host, rest.port"
        raise refusal(error, settings.host, settings.port, service="rest", key=key) from None


async def _finish(listener: asyncio.Server, server: Server, proxy: Proxy, timeout: float) -> None:
    """Accept no new connections, close idle ones, and wait for requests in flight."""
    listener.close()
    server.leave()
    left = await proxy.finish(timeout)
    if left:
        _log.warning("rest stops with %d unanswered %s", left, "request" if left == 1 else "requests")


def _address(listener: asyncio.Server) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class RestServer:
    """The REST proxy from code: ``RestServer(token=..., port=7401).run()``.

    Every argument is a key of docs/reference/configuration.md and defaults to its value: ``token``,
    ``host``, ``port``, ``api_url``, ``cache``, ``global_limit`` (requests per second), ``secret`` (needed on
    any address but loopback), ``state_dir``.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        host: str | None = None,
        port: int | None = None,
        api_url: str | None = None,
        cache: CacheOptions | None = None,
        global_limit: int | None = None,
        secret: str | None = None,
        state_dir: str | Path | None = None,
    ) -> None:
        self._flags: dict[str, Any] = {
            "token": token,
            "rest.host": host,
            "rest.port": port,
            "discord.api_url": api_url,
            "rest.global_limit": global_limit,
            "security.secret": secret,
            "state_dir": None if state_dir is None else str(state_dir),
        }
        self._cache = cache

    @property
    def settings(self) -> RestSettings:
        """The settings: these arguments, completed by the configuration of the working directory."""
        settings: RestSettings = load(Path.cwd(), flags=self._flags).rest
        return settings if self._cache is None else replace(settings, cache=self._cache)

    def run(self) -> None:
        """Serve until SIGTERM, SIGHUP or ^C, then finish requests in flight."""
        settings = self.settings
        service_process.run(
            "rest",
            lambda stop, on_ready: serve(settings, stop=stop, on_ready=on_ready),
            secrets=(settings.token, settings.security.secret),
        )
