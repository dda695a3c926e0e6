"""Reports discord.py's requests to the runtime, by the event that caused them.

A bot's own requests go through HTTPClient.request, those with a webhook's or an interaction's token through
AsyncWebhookAdapter.request.
"""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import discord
import msgspec
from discord.http import HTTPClient, Route
from discord.webhook.async_ import AsyncWebhookAdapter

from nescord_core.tracing import cause, spans

__all__ = ["trace_requests"]

_MARK = "_nescord_reports"
_SUCCESS = 200
"""discord.py does not expose which success status it was."""


def trace_requests() -> None:
    """Make every client of this process report its requests."""
    for kind in (HTTPClient, AsyncWebhookAdapter):
        if not hasattr(kind.request, _MARK):
            reporting = _reporting(kind.request)
            setattr(reporting, _MARK, True)
            kind.request = reporting  # type: ignore[method-assign]  # its signature is kept


def _reporting(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def request(self: Any, route: Route, *arguments: Any, **options: Any) -> Any:
        with spans.calling(route.method, route.url.removeprefix(Route.BASE)) as span:
            try:
                answer = await _reported(original, self, route, *arguments, **options)
            except discord.HTTPException as error:
                span.result(error.status)
                raise
            span.result(_SUCCESS)
        return answer

    return request


async def _reported(
    original: Callable[..., Any], self: Any, route: Route, *arguments: Any, **options: Any
) -> Any:
    if cause.cause.get() is None:
        return await original(self, route, *arguments, **options)
    call = cause.Call(route.method, _path(route, options.get("params")), *_content(options))
    with cause.reporting(call):
        try:
            answer = await original(self, _redirected(route), *arguments, **options)
        except discord.HTTPException as error:
            call.status = error.status
            raise
        call.status = _SUCCESS
    return answer


def _path(route: Route, params: Any) -> str:
    path = route.url.removeprefix(Route.BASE)
    if not isinstance(params, Mapping) or not params:
        return path
    return f"{path}?{'&'.join(f'{key}={value}' for key, value in params.items())}"


def _redirected(route: Route) -> Route:
    """Return the route at the base URL that the event's calls should use."""
    base = cause.base_url(Route.BASE)
    if base == Route.BASE:
        return route
    moved = copy.copy(route)
    moved.url = f"{base}{route.url.removeprefix(Route.BASE)}"
    return moved


def _content(options: Mapping[str, Any]) -> tuple[bytes, tuple[str, ...]]:
    """Return the JSON body and the names of the uploaded files."""
    files: Sequence[discord.File] = options.get("files") or ()
    names = tuple(file.filename for file in files)
    parts: Iterable[Mapping[str, Any]] = options.get("form") or options.get("multipart") or ()
    for part in parts:
        if part.get("name") == "payload_json":
            return str(part["value"]).encode(), names
    body = options.get("json", options.get("payload"))
    return (b"" if body is None else msgspec.json.encode(body)), names
