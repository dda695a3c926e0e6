"""Fetches the gateway's URL, the recommended shard count and the session start limit.

https://discord.com/developers/docs/events/gateway#get-gateway-bot
"""

from __future__ import annotations

import asyncio
import logging
import math
import random
from dataclasses import dataclass

import aiohttp
import msgspec

from nescord_core._version import USER_AGENT
from nescord_core.errors import (
    DiscordHTTPError,
    DiscordServerError,
    RateLimited,
    TokenRejected,
    TransportError,
)
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.process.os_errors import reason_of
from nescord_core.process.safe_text import printable

__all__ = ["FOR_EVER", "GatewayInfo", "fetch_gateway_info", "fetch_gateway_info_once"]

log = logging.getLogger("nescord.gateway")

FOR_EVER = Backoff(base=1.0, cap=60.0)
"""The default policy: retry until there is an answer, as no shard can start without it."""

PATH = "/gateway/bot"

LARGEST_BODY = 64 * 1024
"""Bytes of a response; Discord's has about 200."""
LONGEST_WAIT = 3600.0
"""The longest Retry-After that is honoured, in seconds."""
MOST_SHARDS = 100_000
MOST_CONCURRENCY = 4096
MOST_STARTS = 1_000_000
LONGEST_URL = 2048
MOST_RESET_MS = 2 * 86_400_000


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """The response of GET /gateway/bot. ``sandbox_world`` names the sandbox's world, "" on Discord."""

    url: str
    shards: int
    session_start_limit: SessionStartLimit
    sandbox_world: str = ""


class _Limit(msgspec.Struct):
    total: int = 1000
    remaining: int = 1000
    reset_after: float = 86_400_000
    max_concurrency: int = 1


class _Response(msgspec.Struct):
    url: str
    shards: int = 1
    session_start_limit: _Limit = msgspec.field(default_factory=_Limit)
    sandbox_world: str = ""


async def fetch_gateway_info(
    http: aiohttp.ClientSession,
    api_url: str,
    token: str,
    *,
    timeout: float = 15.0,
    proxy: str | None = None,
    retry: Backoff = FOR_EVER,
) -> GatewayInfo:
    """Call GET /gateway/bot until it succeeds.

    429, 5xx, invalid JSON and an unreachable host are retried according to ``retry``; a longer Retry-After
    is honoured. Raises TokenRejected at once (401), DiscordHTTPError for other 4xx, and the last error once
    the retries are exhausted. ``timeout`` bounds one attempt, in seconds.
    """
    attempt = 0
    while True:
        attempt += 1
        try:
            return await fetch_gateway_info_once(http, api_url, token, timeout=timeout, proxy=proxy)
        except (RateLimited, DiscordServerError, TransportError) as error:
            if retry.exhausted(attempt):
                raise
            wait = retry.delay(attempt, random.random())
            if isinstance(error, RateLimited):
                wait = max(wait, error.retry_after)
            log.warning("GET /gateway/bot failed: %s Retrying in %.1f s.", error, wait)
            await asyncio.sleep(wait)


async def fetch_gateway_info_once(
    http: aiohttp.ClientSession,
    api_url: str,
    token: str,
    *,
    timeout: float = 15.0,
    proxy: str | None = None,
) -> GatewayInfo:
    """Try once. Raises TokenRejected, RateLimited, DiscordServerError, DiscordHTTPError, TransportError."""
    url = f"{api_url.rstrip('/')}{PATH}"
    headers = {
        "Accept-Encoding": "identity",  # rules out decompression bombs
        "Authorization": f"Bot {token}",
        "User-Agent": USER_AGENT,
    }
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with http.get(
            url,
            headers=headers,
            timeout=limit,
            allow_redirects=False,
            auto_decompress=False,
            proxy=proxy,
        ) as response:
            body = await _read(response)
            status, response_headers = response.status, response.headers
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise TransportError(f"Discord cannot be reached at {url}: {printable(reason_of(error))}.") from error
    if status != 200:
        raise _http_error(status, body, response_headers.get("Retry-After"))
    try:
        return _info(msgspec.json.decode(body, type=_Response))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as error:
        raise TransportError(f"GET {url} returned an unexpected response ({error}).") from error


async def _read(response: aiohttp.ClientResponse) -> bytes:
    """Return the body. Raises ValueError if it is compressed or too large."""
    if "Content-Encoding" in response.headers:
        raise ValueError("the response is compressed, which was not asked for")
    body = bytearray()
    async for chunk in response.content.iter_chunked(LARGEST_BODY):
        body += chunk
        if len(body) > LARGEST_BODY:
            raise ValueError(f"the response is larger than {LARGEST_BODY} bytes")
    return bytes(body)


def _info(answer: _Response) -> GatewayInfo:
    """Validate a response and clamp its numbers. Raises ValueError for implausible URLs and numbers."""
    limit = answer.session_start_limit
    if not answer.url.startswith(("ws://", "wss://")) or len(answer.url) > LONGEST_URL:
        raise ValueError(f"url is {printable(answer.url, 100)!r}")
    if not answer.shards <= MOST_SHARDS:
        raise ValueError(f"shards is {printable(str(answer.shards), 40)}")
    if not 0 <= limit.reset_after <= MOST_RESET_MS:
        raise ValueError(f"session_start_limit.reset_after is {limit.reset_after:g}")
    return GatewayInfo(
        url=answer.url,
        shards=max(1, answer.shards),
        session_start_limit=SessionStartLimit(
            total=min(max(limit.total, 0), MOST_STARTS),
            remaining=min(max(limit.remaining, 0), MOST_STARTS),
            reset_after=limit.reset_after / 1000,
            max_concurrency=min(max(1, limit.max_concurrency), MOST_CONCURRENCY),
        ),
        sandbox_world=answer.sandbox_world,
    )


class _ErrorBody(msgspec.Struct):
    message: str = ""
    code: int = 0
    retry_after: float = 0.0


def _http_error(status: int, body: bytes, retry_after: str | None) -> Exception:
    if status == 401:
        return TokenRejected(seen=f"GET {PATH} answered 401")
    try:
        details = msgspec.json.decode(body, type=_ErrorBody)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        details = _ErrorBody()
    if status == 429:
        seconds = min(max(_finite(details.retry_after), _seconds(retry_after)), LONGEST_WAIT)
        return RateLimited(
            retry_after=seconds,
            status=status,
            method="GET",
            path=PATH,
            code=details.code,
            message=printable(details.message),
        )
    kind = DiscordServerError if status >= 500 else DiscordHTTPError
    return kind(status=status, method="GET", path=PATH, code=details.code, message=printable(details.message))


def _seconds(header: str | None) -> float:
    try:
        return _finite(float(header or 0))
    except ValueError:
        return 0.0


def _finite(seconds: float) -> float:
    """Clamp a wait in seconds: infinity becomes the longest wait, NaN none."""
    if math.isnan(seconds):
        return 0.0
    return min(max(seconds, 0.0), LONGEST_WAIT)
