"""Requests the gateway's address from Discord again when the current one is unreachable.

Clients cache the URL and request it again when it fails:
https://discord.com/developers/docs/events/gateway#connecting
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

import aiohttp

from nescord_core.errors import NescordError
from nescord_core.gateway.gateway_info import fetch_gateway_info_once
from nescord_core.settings import WsSettings

__all__ = ["GatewayAddress"]

log = logging.getLogger("nescord.ws")


class GatewayAddress:
    """Requests the address on `ask`, at most once per ``interval`` seconds, and passes it to ``use``."""

    def __init__(self, settings: WsSettings, use: Callable[[str], None], *, interval: float = 10.0) -> None:
        self._settings = settings
        self._use = use
        self._interval = interval
        self._requested = asyncio.Event()

    def ask(self) -> None:
        """Request the address, unless that was just done."""
        self._requested.set()

    async def run(self) -> None:
        """Handle requests until cancelled. Failures are debug lines: the shards log what is unreachable."""
        while True:
            await self._requested.wait()
            try:
                async with aiohttp.ClientSession() as http:
                    settings = self._settings
                    info = await fetch_gateway_info_once(
                        http,
                        settings.api_url,
                        settings.token,
                        proxy=settings.proxies.proxy_for(settings.api_url),
                    )
            except NescordError as error:
                log.debug("cannot get the gateway's address: %s", error)
            else:
                self._use(info.url)
            await asyncio.sleep(self._interval)
            self._requested.clear()
