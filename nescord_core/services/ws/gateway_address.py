"""Asks Discord for the gateway's address again when the one in use cannot be connected to.

A client caches the URL and asks again when it fails:
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
    """Calls ``use`` with the address whenever Discord names it, at most once in ``interval`` seconds."""

    def __init__(self, settings: WsSettings, use: Callable[[str], None], *, interval: float = 10.0) -> None:
        self._settings = settings
        self._use = use
        self._interval = interval
        self._asked = asyncio.Event()

    def ask(self) -> None:
        """Ask Discord, unless that has just been done."""
        self._asked.set()

    async def run(self) -> None:
        """Ask until cancelled. The shards log that they cannot connect; each failed attempt asks again."""
        while True:
            await self._asked.wait()
            try:
                async with aiohttp.ClientSession() as http:
                    info = await fetch_gateway_info_once(http, self._settings.api_url, self._settings.token)
            except NescordError as error:
                log.debug("the gateway's address cannot be had: %s", error)
            else:
                self._use(info.url)
            await asyncio.sleep(self._interval)
            self._asked.clear()
