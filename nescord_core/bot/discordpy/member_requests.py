"""Repeats member requests that Discord refuses, and ends those that nobody answers.

discord.py knows no RATE_LIMITED event, and its `Guild.chunk` waits for the chunks without a time-out.
https://discord.com/developers/docs/events/gateway-events#rate-limited
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import discord
import msgspec

from nescord_core.bot.discordpy import internals
from nescord_core.bot.gateway.client import TIMEOUT
from nescord_core.errors import GatewayCommandError, MemberRequestFailed

__all__ = ["MemberRequests"]

log = logging.getLogger(__name__)

_SHORTEST_WAIT = 1.0
"""Seconds to wait if Discord does not say how long."""

_Answer = tuple[str, dict[str, Any]]


@dataclass(eq=False)
class _Request:
    guild_id: int
    nonce: str
    answers: asyncio.Queue[_Answer] = field(default_factory=asyncio.Queue)


class MemberRequests:
    """The unfinished member requests of a client; ``timeout`` bounds the wait for an answer, in seconds."""

    def __init__(self, client: discord.Client, *, timeout: float = TIMEOUT) -> None:
        self._state = internals.connection(client)
        self._timeout = timeout
        self._requests: dict[str, _Request] = {}

    async def send(self, body: dict[str, Any], send: Callable[[bytes], Awaitable[None]]) -> None:
        """Send a request with ``send`` and attend to it until it has been answered.

        One that fails raises MemberRequestFailed where the bot waits for the members.
        """
        request = _Request(int(body["guild_id"]), str(body["nonce"]))
        self._requests[request.nonce] = request
        try:
            await self._attend(request, lambda: send(msgspec.json.encode(body)))
        except GatewayCommandError as error:
            failure = MemberRequestFailed(error.message, hint=error.hint)
            if internals.fail_member_request(self._state, request.nonce, failure):
                log.warning("the members of guild %d were not received: %s", request.guild_id, error)
        finally:
            del self._requests[request.nonce]

    def answered(self, kind: str, data: dict[str, Any]) -> None:
        """Take an event that may answer a request."""
        if not self._requests:
            return
        carrier = data.get("meta") if kind == "RATE_LIMITED" else data
        nonce = carrier.get("nonce") if isinstance(carrier, dict) else None
        if isinstance(nonce, str) and nonce in self._requests:
            self._requests[nonce].answers.put_nowait((kind, data))

    async def _attend(self, request: _Request, send: Callable[[], Awaitable[None]]) -> None:
        await send()
        while internals.is_member_request(self._state, request.nonce):
            kind, data = await self._next(request)
            if kind != "RATE_LIMITED":
                continue
            wait = _retry_after(data)
            log.warning(
                "Discord refuses the members of guild %d for another %.1f s: requesting them again then",
                request.guild_id,
                wait,
            )
            await asyncio.sleep(wait)
            if internals.is_member_request_wanted(self._state, request.nonce):
                await send()

    async def _next(self, request: _Request) -> _Answer:
        try:
            async with asyncio.timeout(self._timeout):
                return await request.answers.get()
        except TimeoutError:
            raise GatewayCommandError(
                f"Discord did not send the members of guild {request.guild_id} within {self._timeout:g} s.",
                hint="Check that bot.intents has guild_members and that ws is connected (nescord status).",
            ) from None


def _retry_after(data: dict[str, Any]) -> float:
    seconds = data.get("retry_after")
    return float(seconds) if isinstance(seconds, int | float) and seconds > 0 else _SHORTEST_WAIT
