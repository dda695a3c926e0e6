"""The REST service: the proxy on its port, from start to an orderly end."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import signal
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from nescord_core.errors import ConfigError, PortTaken
from nescord_core.ports import holder_of, is_taken
from nescord_core.rest.proxy import Proxy, make_server
from nescord_core.services.presence import announce
from nescord_core.settings import (
    DEFAULT_API_URL,
    DEFAULT_STATE_DIR,
    CacheOptions,
    RestSettings,
    SecuritySettings,
)

__all__ = ["RestServer", "serve"]

SHUTDOWN_GRACE = 0.5

_log = logging.getLogger("nescord.rest")


async def serve(settings: RestSettings, *, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Serve until ``stop`` is set, then finish what is in flight for up to ``settings.stop_timeout`` seconds.

    ``on_ready`` gets the address, ``host:port``, once requests are taken. Raises `ConfigError` for an address
    that others can reach while no secret is set, and `PortTaken`.
    """
    check_exposure(settings)
    proxy = Proxy(settings)
    async with proxy.running():
        front = make_server(proxy)
        listener = await _listen(settings, front)
        try:
            address = _address(listener)
            with announce(settings.state_dir, "rest", address=address, admin=address):
                _log.info("rest serves %s for %s", address, settings.api_url)
                on_ready(address)
                await stop.wait()
                await _finish(listener, front, proxy, settings.stop_timeout)
        finally:
            listener.close()
            await front.shutdown(SHUTDOWN_GRACE)


def check_exposure(settings: RestSettings) -> None:
    """Refuse to serve other machines without a secret. Raises `ConfigError`."""
    if settings.security.secret or is_loopback(settings.host):
        return
    raise ConfigError(
        f"{settings.host} can be reached from other machines, and no secret is set.",
        where="rest.host",
        hint="Set security.secret (NESCORD_SECRET), or bind to 127.0.0.1.",
    )


def is_loopback(host: str) -> bool:
    """Say whether an address or name stands for this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


async def _listen(settings: RestSettings, front: web.Server) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    try:
        return await loop.create_server(front, settings.host, settings.port, backlog=1024)
    except OSError as error:
        where = f"{settings.host}:{settings.port}"
        if is_taken(error):
            holder = holder_of(settings.host, settings.port)
            raise PortTaken(
                where, service="rest", key="rest.port (NESCORD_REST_PORT)", holder=holder
            ) from error
        raise ConfigError(
            f"cannot listen on {where}: {error.strerror or error}.",
            where="rest.host, rest.port",
            hint="Choose an address of this machine and a port that this user may open.",
        ) from error


async def _finish(listener: asyncio.Server, front: web.Server, proxy: Proxy, timeout: float) -> None:
    """Take no new connections, close idle ones, and wait for the requests that are being answered."""
    listener.close()
    front.pre_shutdown()
    left = await proxy.finish(timeout)
    if left:
        _log.warning("rest stops with %d requests unanswered", left)


def _address(listener: asyncio.Server) -> str:
    host, port = listener.sockets[0].getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


class RestServer:
    """The REST proxy from code: ``RestServer(token=...).run()``.

    ``global_limit`` is in requests per second; ``secret`` is needed on any address but loopback.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        host: str = "127.0.0.1",
        port: int = 6000,
        api_url: str = DEFAULT_API_URL,
        cache: CacheOptions | None = None,
        global_limit: int = 50,
        secret: str | None = None,
        state_dir: str | Path = DEFAULT_STATE_DIR,
    ) -> None:
        self.settings = RestSettings(
            token=token,
            host=host,
            port=port,
            api_url=api_url,
            cache=cache or CacheOptions(),
            global_limit=global_limit,
            state_dir=Path(state_dir),
            security=SecuritySettings(secret=secret),
        )

    def run(self) -> None:
        """Serve until SIGTERM, SIGHUP or ^C, then finish what is in flight."""
        asyncio.run(self.serve())

    async def serve(
        self, *, stop: asyncio.Event | None = None, on_ready: Callable[[str], None] = lambda _: None
    ) -> None:
        """Serve on the running loop until ``stop`` is set or a signal comes."""
        stopping = stop or asyncio.Event()
        loop = asyncio.get_running_loop()
        caught = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP) if stop is None else ()
        for number in caught:
            loop.add_signal_handler(number, stopping.set)
        try:
            await serve(self.settings, stop=stopping, on_ready=on_ready)
        finally:
            for number in caught:
                loop.remove_signal_handler(number)
