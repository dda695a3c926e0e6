"""Tells rest what the gateway's events change, so that its cache never shows what is over.

Rest keeps answers for long only while it hears, every second, that all shards of the bot are connected and
their events reach it. What could not be told stays here until it can; a new link begins with "all", because
nobody knows what was not told before it.
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
"""Seconds in which changes gather after the first."""
HEARTBEAT = 1.0
TIMEOUT = 2.0
RETRY = 0.1
MOST = 10_000
"""Changes kept while rest is away; past that, everything has changed."""
ALL: Change = ("all", ())

log = logging.getLogger("nescord.ws")


class InvalidationLink:
    """The link of one cluster; ``connected`` gives the shards that are connected now."""

    def __init__(
        self, settings: WsSettings, *, shard_count: int, connected: Callable[[], Iterable[int]]
    ) -> None:
        self._url = f"{settings.rest_url}/nescord/invalidate" if settings.rest_url else ""
        self._secret = settings.security.secret
        self._bot = hashlib.sha256(f"Bot {settings.token}".encode()).hexdigest()[:16]
        self._shard_count = shard_count
        self._connected = connected
        # Events that bot.events leaves out never get here, so rest must not rely on this link then.
        self._is_whole = settings.events is None
        self._new: list[Envelope] = []
        self._untold: list[Change] = [ALL]
        self._some = asyncio.Event()
        self._works: bool | None = None

    def watching(self, put: Callable[[Envelope], None]) -> Callable[[Envelope], None]:
        """Return a sink that notes events on their way to ``put``."""
        if not self._url:
            return put
        some = self._some

        def watched(envelope: Envelope) -> None:
            put(envelope)
            if envelope.type not in QUIET:
                self._new.append(envelope)
                if len(self._new) == 1:
                    some.set()

        return watched

    async def run(self) -> None:
        """Tell rest until cancelled; a link that fails is tried again for ever."""
        if not self._url:
            return
        headers = {"X-Nescord-Secret": self._secret} if self._secret else {}
        timeout = aiohttp.ClientTimeout(total=TIMEOUT)
        async with aiohttp.ClientSession(headers=headers, timeout=timeout) as http:
            while True:
                told = await self._tell(http)
                await self._pause(RETRY if not told else HEARTBEAT)

    async def _pause(self, longest: float) -> None:
        if longest == RETRY:
            await asyncio.sleep(RETRY)
            return
        try:
            async with asyncio.timeout(longest):
                await self._some.wait()
            await asyncio.sleep(GATHER)
        except TimeoutError:
            pass

    async def _tell(self, http: aiohttp.ClientSession) -> bool:
        # Before the events are taken: a shard that counts as connected has had its replay taken in already.
        link = {"bot": self._bot, "shards": list(self._connected()), "shard_count": self._shard_count}
        self._take()
        told = len(self._untold)
        body = {"items": [_item(change) for change in self._untold], "link": link if self._is_whole else None}
        reason = ""
        try:
            async with http.post(self._url, data=msgspec.json.encode(body)) as answer:
                if answer.status != 204:
                    reason = f"status {answer.status}"
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            reason = str(error) or type(error).__name__
        self._note(reason)
        if not reason:
            del self._untold[:told]
        return not reason

    def _take(self) -> None:
        self._some.clear()
        events, self._new = self._new, []
        self._untold += changes_of((event.type, event.data) for event in events)
        if len(self._untold) > MOST:
            self._untold = [ALL]

    def _note(self, reason: str) -> None:
        works = not reason
        if works is not self._works and (self._works is not None or works):
            if works:
                log.info("rest is told of changes")
            else:
                log.warning("rest cannot be told of changes, it keeps answers for a moment only: %s", reason)
        self._works = works


def _item(change: Change) -> Mapping[str, Any]:
    kind, ids = change
    return {"kind": kind, "ids": dict(ids)}
