"""Retries a call until there is an answer: which errors, after how long, and for how long in all."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import TypeVar

import aiohttp

from nescord_core.errors import DiscordHTTPError, DiscordServerError, RateLimited, TransportError
from nescord_core.process.os_errors import reason_of
from nescord_core.rest.client.errors import error_of
from nescord_core.rest.client.request import Request

__all__ = ["NoRoomError", "NotSentError", "unreachable", "until_answered"]

FIRST_DELAY, LONGEST_DELAY = 0.05, 1.0
"""Seconds before the first retry, doubled for each further one, and their bound."""

T = TypeVar("T")


class NotSentError(TransportError):
    """The connection was never established, so the request had no effect."""


class NoRoomError(DiscordServerError):
    """The rest service's queue was full and it rejected the request, which had no effect."""

    def __init__(self, call: Request, body: bytes, headers: Mapping[str, str]) -> None:
        details = error_of(503, call.method, call.path, body, headers)
        super().__init__(
            status=503, method=details.method, path=details.path, message=details.discord_message
        )
        wait = headers.get("Retry-After", "")
        self.retry_after = float(wait) if wait.isdecimal() else 1.0


def unreachable(url: str, error: aiohttp.ClientConnectorError) -> NotSentError:
    """Return the error for a service that nothing could be sent to."""
    return NotSentError(
        f"Cannot reach {url} ({reason_of(error)}).",
        hint="Check that the rest service runs (`nescord run rest`) and NESCORD_REST_URL is its address.",
    )


async def until_answered(
    send: Callable[[Request, float], Awaitable[T]], call: Request, *, timeout: float, patience: float
) -> T:
    """Send until there is an answer or the patience is exhausted; returns what ``send`` returns.

    ``send`` gets the call and the time of the loop at which it began. ``patience`` is in seconds over all
    attempts, ``timeout`` is the patience with rate limits; the call's own time-out shortens both.
    """
    loop = asyncio.get_running_loop()
    started = loop.time()
    delay = FIRST_DELAY
    while True:
        try:
            return await send(call, started)
        except (TransportError, DiscordHTTPError) as error:
            wait = _retry_delay(error, call, delay)
            limit = timeout if isinstance(error, RateLimited) else patience
            limit = limit if call.timeout is None else min(limit, call.timeout)
            if wait is None or loop.time() + wait > started + limit:
                raise
        await asyncio.sleep(wait)
        delay = min(delay * 2, LONGEST_DELAY)


def _retry_delay(error: Exception, call: Request, delay: float) -> float | None:
    """Return the seconds to wait before a retry, None for a final error."""
    jitter = delay * (0.5 + random.random())
    match error:
        case RateLimited(retry_after=wait):
            return wait + 0.05 if wait else jitter
        case NotSentError():
            return jitter
        case NoRoomError(retry_after=wait):
            return wait + jitter
        case TransportError() if call.repeatable:
            return jitter
        case DiscordHTTPError(status=status) if call.repeatable and status in (500, 502, 503, 504, 524):
            return max(jitter, 0.25)
    return None
