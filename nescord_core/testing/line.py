"""Makes calls of the control API, blocking or awaited, and knows how far each channel has been read."""

from __future__ import annotations

import asyncio
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Coroutine
from functools import update_wrapper
from typing import Any, Concatenate, ParamSpec, Protocol, TypeVar

from nescord_core.testing.calls import Call, Response, encoded

__all__ = ["HasLine", "Line", "awaited", "blocking"]

P = ParamSpec("P")
T = TypeVar("T")
POSITION = "Sandbox-Position"
COMMANDS_WAIT = 20.0
"""Seconds from the bot's start in which it may not have registered its commands yet."""
POLL = 0.05
MARGIN = 10.0
"""Seconds beyond those that the bot gets, for the sandbox itself."""


class Line:
    """The way to one sandbox. ``timeout`` (seconds) is how long the bot may take for an answer."""

    def __init__(self, url: str, timeout: float, *, began: float | None = None) -> None:
        self.url = url
        self.timeout = timeout
        self.read_up_to: dict[str, int] = {}
        """By channel id: messages up to this id have been read, or were older than what a user did last."""
        self._began = time.monotonic() if began is None else began
        self._known: set[str] = set()

    def blocking(self, call: Call[T]) -> T:
        """Make a call and return its result."""
        while self._may_come(call):
            if call.may_be_new in _names(self._fetch("GET", _commands(call), None, 0)[2]):
                break
            time.sleep(POLL)
        self._known.add(call.may_be_new)
        return self._took(call, *self._fetch(call.method, call.path, encoded(call.body), call.patience))

    def _fetch(self, method: str, path: str, data: bytes | None, patience: float) -> tuple[int, str, Any]:
        request = urllib.request.Request(f"{self.url}/sandbox{path}", data, method=method)  # noqa: S310 - ours
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        try:
            with opener.open(request, timeout=patience + MARGIN) as answer:
                return answer.status, answer.headers.get(POSITION, ""), json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, "", json.load(error)

    async def awaiting(self, call: Call[T]) -> T:
        """Make a call and return its result, while the event loop goes on."""
        while self._may_come(call):
            if call.may_be_new in _names((await self._fetch_async("GET", _commands(call), None, 0))[2]):
                break
            await asyncio.sleep(POLL)
        self._known.add(call.may_be_new)
        found = await self._fetch_async(call.method, call.path, encoded(call.body), call.patience)
        return self._took(call, *found)

    async def _fetch_async(
        self, method: str, path: str, data: bytes | None, patience: float
    ) -> tuple[int, str, Any]:
        import aiohttp  # only asynchronous tests need it

        # A session for each call: each test may have an event loop of its own.
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(patience + MARGIN)) as session,
            session.request(method, f"{self.url}/sandbox{path}", data=data) as answer,
        ):
            return answer.status, answer.headers.get(POSITION, ""), await answer.json()

    def _may_come(self, call: Call[Any]) -> bool:
        is_new = bool(call.may_be_new) and call.may_be_new not in self._known
        return is_new and time.monotonic() < self._began + COMMANDS_WAIT

    def _took(self, call: Call[T], status: int, position: str, answer: Any) -> T:
        result = call.result(status, answer)
        if call.channel_id and position:
            # A response that the call returns has been read with it.
            shown = result.raw.get("message") if isinstance(result, Response) else None
            self.read_up_to[call.channel_id] = max(int(position), int(shown["id"]) if shown else 0)
        return result


def _commands(call: Call[Any]) -> str:
    return f"/commands?guild={call.guild_id}" if call.guild_id else "/commands"


def _names(commands: Any) -> set[str]:
    return {str(each["name"]) for each in commands}


class HasLine(Protocol):
    """Whatever makes calls."""

    line: Line


S = TypeVar("S", bound=HasLine)


def blocking(method: Callable[Concatenate[S, P], Call[T]]) -> Callable[Concatenate[S, P], T]:
    """Return the method that makes the call at once and returns its result."""

    def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.line.blocking(method(self, *args, **kwargs))

    update_wrapper(run, method)
    return run


def awaited(
    method: Callable[Concatenate[S, P], Call[T]],
) -> Callable[Concatenate[S, P], Coroutine[Any, Any, T]]:
    """Return the coroutine function that makes the call and returns its result."""

    async def run(self: S, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.line.awaiting(method(self, *args, **kwargs))

    update_wrapper(run, method)
    return run
