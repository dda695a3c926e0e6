"""Fetches the gateway's URL, the recommended shard count and the session start limit.

https://discord.com/developers/docs/events/gateway#get-gateway-bot
"""

from __future__ import annotations

import asyncio
import logging
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

__all__ = ["FOR_EVER", "GatewayInfo", "fetch_gateway_info", "fetch_gateway_info_once"]

log = logging.getLogger("nescord.gateway")

FOR_EVER = Backoff(base=1.0, cap=60.0)
"""The default policy: retry until there is an answer, as no shard can start without it."""

PATH = "/gateway/bot"


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """The response of GET /gateway/bot."""

    url: str
    shards: int
    session_start_limit: SessionStartLimit


class _Limit(msgspec.Struct):
    total: int = 1000
    remaining: int = 1000
    reset_after: float = 86_400_000
    max_concurrency: int = 1


class _Response(msgspec.Struct):
    url: str
    shards: int = 1
    session_start_limit: _Limit = msgspec.field(default_factory=_Limit)


async def fetch_gateway_info(
    http: aiohttp.ClientSession,
    api_url: str,
    token: str,
    *,
    timeout: float = 15.0,
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
            return await fetch_gateway_info_once(http, api_url, token, timeout=timeout)
        except (RateLimited, DiscordServerError, TransportError) as error:
            if retry.exhausted(attempt):
                raise
            wait = retry.delay(attempt, random.random())
            if isinstance(error, RateLimited):
                wait = max(wait, error.retry_after)
            log.warning("GET /gateway/bot failed: %s Retrying in %.1f s.", error, wait)
            await asyncio.sleep(wait)


async def fetch_gateway_info_once(
    http: aiohttp.ClientSession, api_url: str, token: str, *, timeout: float = 15.0
) -> GatewayInfo:
    """Try once. Raises TokenRejected, RateLimited, DiscordServerError, DiscordHTTPError, TransportError."""
    url = f"{api_url.rstrip('/')}{PATH}"
    headers = {
        "Authorization": f"Bot {token}",
        "User-Agent": USER_AGENT,
    }
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with http.get(url, headers=headers, timeout=limit, allow_redirects=False) as response:
            body = await response.read()
            status, response_headers = response.status, response.headers
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise TransportError(f"Discord cannot be reached at {url}: {reason_of(error)}.") from error
    if status != 200:
        raise _http_error(status, body, response_headers.get("Retry-After"))
    try:
        return _info(msgspec.json.decode(body, type=_Response))
    except msgspec.DecodeError as error:
        raise TransportError(f"GET {url} returned an unexpected response ({error}).") from error


def _info(answer: _Response) -> GatewayInfo:
    limit = answer.session_start_limit
    return GatewayInfo(
        url=answer.url,
        shards=max(1, answer.shards),
        session_start_limit=SessionStartLimit(
            total=limit.total,
            remaining=limit.remaining,
            reset_after=limit.reset_after / 1000,
            max_concurrency=max(1, limit.max_concurrency),
        ),
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
    except (msgspec.DecodeError, UnicodeDecodeError):
        details = _ErrorBody()
    if status == 429:
        seconds = max(details.retry_after, _seconds(retry_after))
        return RateLimited(
            retry_after=seconds,
            status=status,
            method="GET",
            path=PATH,
            code=details.code,
            message=details.message,
        )
    kind = DiscordServerError if status >= 500 else DiscordHTTPError
    return kind(status=status, method="GET", path=PATH, code=details.code, message=details.message)


def _seconds(header: str | None) -> float:
    try:
        return float(header or 0)
    except ValueError:
        return 0.0
