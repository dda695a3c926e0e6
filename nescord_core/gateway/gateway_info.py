"""Asks Discord where its gateway is, how many shards it recommends and how many session starts are left.

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
"""The default policy: the gateway is of no use without this answer, so ask until there is one."""

PATH = "/gateway/bot"


@dataclass(frozen=True, slots=True)
class GatewayInfo:
    """The answer of GET /gateway/bot."""

    url: str
    shards: int
    session_start_limit: SessionStartLimit


class _Limit(msgspec.Struct):
    total: int = 1000
    remaining: int = 1000
    reset_after: float = 86_400_000
    max_concurrency: int = 1


class _Answer(msgspec.Struct):
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
    """Ask until Discord answers.

    429, 5xx, an answer that is no JSON, and a host that cannot be reached are tried again as ``retry`` says;
    a longer Retry-After is obeyed. Raises TokenRejected at once (401), DiscordHTTPError for other 4xx, and
    the last error when the tries are used up. ``timeout`` bounds one try, in seconds.
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
            log.warning("no answer about the gateway yet: %s Next try in %.1f s.", error, wait)
            await asyncio.sleep(wait)


async def fetch_gateway_info_once(
    http: aiohttp.ClientSession, api_url: str, token: str, *, timeout: float = 15.0
) -> GatewayInfo:
    """Ask once. Raises TokenRejected, RateLimited, DiscordServerError, DiscordHTTPError or TransportError."""
    url = f"{api_url.rstrip('/')}{PATH}"
    headers = {
        "Authorization": f"Bot {token}",
        "User-Agent": USER_AGENT,
    }
    limit = aiohttp.ClientTimeout(total=timeout)
    try:
        async with http.get(url, headers=headers, timeout=limit, allow_redirects=False) as response:
            body = await response.read()
            status, answered = response.status, response.headers
    except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
        raise TransportError(f"Discord cannot be reached at {url}: {reason_of(error)}.") from error
    if status != 200:
        raise _refusal(status, body, answered.get("Retry-After"))
    try:
        return _info(msgspec.json.decode(body, type=_Answer))
    except msgspec.DecodeError as error:
        raise TransportError(f"GET {url}: the answer is not what Discord sends ({error}).") from error


def _info(answer: _Answer) -> GatewayInfo:
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


class _Refusal(msgspec.Struct):
    message: str = ""
    code: int = 0
    retry_after: float = 0.0


def _refusal(status: int, body: bytes, retry_after: str | None) -> Exception:
    if status == 401:
        return TokenRejected(seen=f"GET {PATH} answered 401")
    try:
        told = msgspec.json.decode(body, type=_Refusal)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = _Refusal()
    if status == 429:
        seconds = max(told.retry_after, _seconds(retry_after))
        return RateLimited(
            retry_after=seconds, status=status, method="GET", path=PATH, code=told.code, message=told.message
        )
    kind = DiscordServerError if status >= 500 else DiscordHTTPError
    return kind(status=status, method="GET", path=PATH, code=told.code, message=told.message)


def _seconds(header: str | None) -> float:
    try:
        return float(header or 0)
    except ValueError:
        return 0.0
