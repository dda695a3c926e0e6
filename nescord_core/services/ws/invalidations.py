"""Sends cache invalidations to rest: what the gateway's events change, so that its cache is never stale.

Rest caches answers for long only while it hears, every second, that all shards of the bot are connected and
their events reach it. Changes that could not be sent stay here until they can; a new link begins with "all",
because changes before it may have been missed.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import aiohttp
import msgspec

from nescord_core.envelope import Envelope
from nescord_core.gateway.cache_changes import QUIET, Change, changes_of
from nescord_core.settings import WsSettings

__all__ = ["InvalidationLink"]

GATHER = 0.03
"""Seconds for which changes are collected after the first."""
HEARTBEAT = 1.0
TIMEOUT = 2.0
RETRY = 0.1
MAX_PENDING = 10_000
"""Changes kept while rest is unreachable; beyond that they are replaced by "all"."""
ALL: Change = ("all", ())

log = logging.getLogger("nescord.ws")


class InvalidationLink:
    """The link of one cluster to rest; ``connected`` returns the shards that are connected now."""

    def __init__(
        self, settings: WsSettings, *, shard_count: int, connected: Callable[[], Iterable[int]]
    ) -> None:
        self._url = f"{settings.rest_url}/nescord/invalidate" if settings.rest_url else ""
        self._secret = settings.security.secret
        self._bot = hashlib.sha256(f"Bot {settings.token}".encode()).hexdigest()[:16]
        self._shard_count = shard_count
        self._connected = connected
        # Events that bot.events leaves out never arrive here, so rest must not rely on this link then.
        self._is_whole = settings.events is None
        self._new: list[Envelope] = []
        self._pending: list[Change] = [ALL]
        self._has_events = asyncio.Event()
        self._works: bool | None = None

    def watching(self, put: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
        """Return a sink that passes events to ``put`` and collects those that change something."""
        if not self._url:
            return put
        has_events = self._has_events

        def watched(envelope: Envelope) -> None:
            put(envelope)
            if envelope.type not in QUIET:
                self._new.append(envelope)
                if len(self._new) == 1:
                    has_events.set()

        return watched

    async def run(self) -> None:
        """Send changes and heartbeats to rest until cancelled; a failing link is retried forever."""
        if not self._url:
            return
        headers = {"X-Nescord-Secret": self._secret} if self._secret else {}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            while True:
                succeeded = await self._send(http)
                await self._pause(HEARTBEAT if succeeded else RETRY)

    async def _pause(self, longest: float) -> None:
        if longest == RETRY:
            await asyncio.sleep(RETRY)
            return
        try:
            async with asyncio.timeout(longest):
                await self._has_events.wait()
            await asyncio.sleep(GATHER)
        except TimeoutError:
            pass

    async def _send(self, http: aiohttp.ClientSession) -> bool:
        # Before the events are collected: the replay of a shard that counts as connected is complete by then.
        link = {"bot": self._bot, "shards": list(self._connected()), "shard_count": self._shard_count}
        self._collect()
        sent = len(self._pending)
        body = {
            "items": [_item(change) for change in self._pending],
            "link": link if self._is_whole else None,
        }
        reason = ""
        try:
            async with http.post(self._url, data=msgspec.json.encode(body)) as response:
                if response.status != 204:
                    reason = f"status {response.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        self._log_state(reason)
        if not reason:
            del self._pending[:sent]
        return not reason

    def _collect(self) -> None:
        self._has_events.clear()
        events, self._new = self._new, []
        self._pending += changes_of((event.type, event.data) for event in events)
        if len(self._pending) > MAX_PENDING:
            self._pending = [ALL]

    def _log_state(self, reason: str) -> None:
        works = not reason
        if works is not self._works and (self._works is not None or works):
            if works:
                log.info("cache invalidation connected")
            else:
                log.warning("cannot send cache invalidations; rest caches answers only briefly: %s", reason)
        self._works = works


def _item(change: Change) -> Mapping[str, Any]:
    kind, ids = change
    return {"kind": kind, "ids": dict(ids)}
