"""Forgets the sessions of a former world of the sandbox, which the sandbox forgot when it restarted."""

from __future__ import annotations

import logging
from collections.abc import Mapping

import aiohttp

from nescord_core.dispatch.sender.worlds import is_of_former_world, world_of
from nescord_core.errors import NescordError
from nescord_core.gateway.gateway_info import fetch_gateway_info_once
from nescord_core.gateway.session_store import SavedSession, SessionStore
from nescord_core.settings import WsSettings

__all__ = ["SessionsOfWorld"]

log = logging.getLogger("nescord.ws")

_TIMEOUT = 5.0


async def _current_world(settings: WsSettings) -> str:
    """Return the name of the sandbox's world; "" if there is no answer."""
    async with aiohttp.ClientSession() as http:
        try:
            info = await fetch_gateway_info_once(
                http,
                settings.api_url,
                settings.token,
                timeout=_TIMEOUT,
                proxy=settings.proxies.proxy_for(settings.api_url),
            )
        except NescordError as error:
            log.debug("the world of the sandbox is unknown: %s", error)
            return ""
    return info.sandbox_world


class SessionsOfWorld:
    """Session store without the sessions of former worlds; the sandbox is asked once if there are any."""

    def __init__(self, sessions: SessionStore, settings: WsSettings) -> None:
        self._sessions = sessions
        self._settings = settings
        self._world: str | None = None

    async def load(self, shard_id: int, *, shard_count: int, intents: int) -> SavedSession | None:
        """Return the shard's session; None if it is of a former world."""
        saved = await self._sessions.load(shard_id, shard_count=shard_count, intents=intents)
        if saved is None or not world_of(saved.session_id):
            return saved
        if self._world is None:
            self._world = await _current_world(self._settings)
        if is_of_former_world(saved.session_id, self._world):
            log.info("shard %d starts a new session: the sandbox has a new world", shard_id)
            return None
        return saved

    async def save(self, sessions: Mapping[int, SavedSession | None]) -> None:
        """Save sessions by shard id, all or none."""
        await self._sessions.save(sessions)
