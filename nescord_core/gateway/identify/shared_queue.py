"""Shares the IDENTIFY queue of a token between hosts, in Valkey or Redis.

Discord limits IDENTIFYs per token, not per host: one per key ``shard_id % max_concurrency`` and window, and a
number per day (https://discord.com/developers/docs/events/gateway#session-start-limit-object). The store's
own clock measures the window, so the hosts' clocks need not agree.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import urlsplit

from nescord_core.errors import ConfigError, TransportError
from nescord_core.gateway.identify.queue import SessionStartLimit

if TYPE_CHECKING:
    from valkey.asyncio import Valkey

__all__ = ["SharedGrant", "SharedIdentifyQueue", "ValkeyIdentifyQueue", "open_shared_queue"]

log = logging.getLogger("nescord.ws")

STORE_TIMEOUT = 5.0
"""Seconds for the store to accept a connection, and to respond."""
DAY_MS = 86_400_000

TAKE = """
local wait = redis.call('PTTL', KEYS[1])
local left = tonumber(redis.call('GET', KEYS[2]) or ARGV[3])
if wait > 0 then return {wait, left, 0} end
if left <= tonumber(ARGV[2]) then return {-1, left, redis.call('PTTL', KEYS[2])} end
redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('SET', KEYS[2], left, 'PX', ARGV[4]) end
redis.call('DECR', KEYS[2])
return {0, left - 1, 0}
"""
OFFER = """
local left = tonumber(redis.call('GET', KEYS[1]) or ARGV[1])
redis.call('SET', KEYS[1], math.min(left, tonumber(ARGV[1])), 'PX', ARGV[2])
return math.min(left, tonumber(ARGV[1]))
"""


@dataclass(frozen=True, slots=True)
class SharedGrant:
    """The outcome of a request for a turn: ``wait`` more seconds, 0.0 when granted, None when refused.

    ``remaining`` session starts are left for all hosts together; a refused host may retry in ``reset_after``
    seconds.
    """

    wait: float | None
    remaining: int
    reset_after: float = 0.0


class SharedIdentifyQueue(Protocol):
    """One queue for all hosts of a token. Every method raises TransportError if the store is unreachable."""

    async def offer(self, limit: SessionStartLimit) -> None:
        """Report the session starts that Discord says are left today; the lowest reported number counts."""

    async def take(self, key: int, *, window: float, reserve: int) -> SharedGrant:
        """Request the turn of a key; once granted, it is held for ``window`` seconds."""

    async def used(self, key: int, *, window: float) -> None:
        """Restart the window: a granted IDENTIFY was sent only now."""


class ValkeyIdentifyQueue:
    """A queue in a Valkey or Redis server; its keys contain only a digest of the token."""

    def __init__(self, client: Valkey, token: str, *, total: int = 1000) -> None:
        self._client = client
        # The braces put all keys of a token into one slot of a cluster.
        self._name = f"nescord:{{{hashlib.sha256(token.encode()).hexdigest()[:16]}}}"
        self._total = total

    async def offer(self, limit: SessionStartLimit) -> None:
        """Report the session starts that are left today."""
        self._total = limit.total
        expires = max(1, round(limit.reset_after * 1000))
        await self._run(OFFER, [self._starts], limit.remaining, expires)

    async def take(self, key: int, *, window: float, reserve: int) -> SharedGrant:
        """Request a turn."""
        keys = [self._turn(key), self._starts]
        wait, left, resets = await self._run(TAKE, keys, _ms(window), reserve, self._total, DAY_MS)
        if wait < 0:
            return SharedGrant(None, left, max(0, resets) / 1000)
        return SharedGrant(wait / 1000, left)

    async def used(self, key: int, *, window: float) -> None:
        """Restart the window."""
        await self._run("redis.call('SET', KEYS[1], 1, 'PX', ARGV[1])", [self._turn(key)], _ms(window))

    @property
    def _starts(self) -> str:
        return f"{self._name}:starts"

    def _turn(self, key: int) -> str:
        return f"{self._name}:identify:{key}"

    async def _run(self, script: str, keys: list[str], *arguments: float) -> Any:
        from valkey.exceptions import ValkeyError

        try:
            # valkey's types say that the result of eval may not be awaitable.
            answer: Any = self._client.eval(script, len(keys), *keys, *map(str, arguments))
            return await answer
        except (ValkeyError, OSError, TimeoutError) as error:
            raise TransportError(
                f"the hosts' shared store does not respond ({type(error).__name__}).",
                hint="Check the server at cluster.url (NESCORD_CLUSTER_URL), and the password.",
            ) from error


@asynccontextmanager
async def open_shared_queue(url: str | None, token: str) -> AsyncIterator[SharedIdentifyQueue | None]:
    """Open the queue at a redis:// or valkey:// URL; yield None without a URL, for a single host.

    Raises:
        ConfigError: the client library is not installed, or it does not accept the URL.

    """
    if url is None:
        yield None
        return
    client = _client(url)
    parts = urlsplit(url)
    log.info("sharing IDENTIFY turns through %s:%s", parts.hostname, parts.port or 6379)
    try:
        yield ValkeyIdentifyQueue(client, token)
    finally:
        await client.aclose()


def _client(url: str) -> Valkey:
    where = "cluster.url (NESCORD_CLUSTER_URL)"
    try:
        from valkey.asyncio import Valkey
    except ImportError:
        raise ConfigError(
            "The hosts' shared store needs the client library valkey, which is not installed.",
            where=where,
            hint="Install it: pip install 'nescord[cluster]'.",
        ) from None
    try:
        client: Valkey = Valkey.from_url(
            url, socket_timeout=STORE_TIMEOUT, socket_connect_timeout=STORE_TIMEOUT
        )
    except ValueError as error:
        raise ConfigError(f"{error}.", where=where) from None
    return client


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))
