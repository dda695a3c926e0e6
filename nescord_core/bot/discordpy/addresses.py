"""Points every address that discord.py requests at rest, or at the sandbox's files.

discord.py builds its URLs from `Route.BASE` (the API) and `Asset.BASE` (files), and some of its URLs name
Discord's file servers. Its gateway address is unused: events come from ws. Addresses that it only shows
(invites, jump URLs, OAuth2) stay Discord's.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any

import discord
import yarl
from discord.http import Route
from discord.webhook.async_ import AsyncWebhookAdapter

from nescord_core.bot.discordpy import internals
from nescord_core.settings import MainSettings

__all__ = ["SECRET_HEADER", "redirect"]

SECRET_HEADER = "X-Nescord-Secret"  # noqa: S105 - the name of a header
_FILE_SERVERS = frozenset({"cdn.discordapp.com", "media.discordapp.net"})


def redirect(settings: MainSettings) -> None:
    """Redirect all requests of this process, those of webhooks and interactions included."""
    rest = settings.rest_url.rstrip("/")
    internals.set_api_url(f"{rest}/api/v10")
    _wrap(AsyncWebhookAdapter, "request", functools.partial(_with_own_session, settings))
    _redirect_sync_webhooks(settings)
    if settings.cdn_url is not None:
        _redirect_files(settings.cdn_url)


def _wrap(owner: Any, name: str, wrap: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
    """Replace a function once."""
    original = getattr(owner, name)
    if not hasattr(original, "_nescord_addresses"):
        replaced: Any = functools.wraps(original)(wrap(original))
        replaced._nescord_addresses = True
        setattr(owner, name, replaced)


# Webhooks with a session of their own


class _Session:
    """A session of aiohttp or requests, as discord.py's webhooks use it: with further arguments."""

    def __init__(self, session: Any, headers: Mapping[str, str], **more: Any) -> None:
        self._session = session
        self._headers = headers
        self._more = more

    def request(self, method: str, url: str, *, headers: Mapping[str, str], **options: Any) -> Any:
        options |= self._more
        return self._session.request(method, url, headers={**headers, **self._headers}, **options)


def _secret(settings: MainSettings) -> dict[str, str]:
    return {SECRET_HEADER: settings.security.secret} if settings.security.secret else {}


def _with_own_session(settings: MainSettings, original: Callable[..., Any]) -> Callable[..., Any]:
    async def request(self: Any, route: Route, session: Any, **options: Any) -> Any:
        # rest is reached directly; it has a proxy of its own.
        options |= {"proxy": None, "proxy_auth": None}
        return await original(self, route, _Session(session, _secret(settings)), **options)

    return request


def _redirect_sync_webhooks(settings: MainSettings) -> None:
    try:
        from discord.webhook.sync import WebhookAdapter
    except ImportError:  # they need the package requests
        return

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def request(self: Any, route: Route, session: Any, **options: Any) -> Any:
            # None keeps requests from using the environment's proxies.
            direct = _Session(session, _secret(settings), proxies={"http": None, "https": None})
            return original(self, route, direct, **options)

        return request

    _wrap(WebhookAdapter, "request", wrap)


# Files


def _redirect_files(base: str) -> None:
    discord.Asset.BASE = base
    move = functools.partial(_moved, base)

    def fetching(original: Callable[..., Any]) -> Callable[..., Any]:
        async def fetch(self: Any, url: str) -> Any:
            return await original(self, move(url))

        return fetch

    def with_url(original: Callable[..., Any]) -> Callable[..., Any]:
        def set_url(self: Any, *arguments: Any, **options: Any) -> None:
            original(self, *arguments, **options)
            self.url = move(self.url)

        return set_url

    def showing(original: Callable[..., Any]) -> Callable[..., Any]:
        def show(self: Any, image: str) -> str | None:
            url = original(self, image)
            return None if url is None else move(url)

        return show

    _wrap(*internals.FETCHES_FILES, fetching)
    for owner, name in internals.SETS_FILE_URL:
        _wrap(owner, name, with_url)
    _wrap(*internals.SHOWS_FILE_URL, showing)


def _moved(base: str, url: str) -> str:
    """Return the address under ``base`` of a file on one of Discord's servers; others stay."""
    parsed = yarl.URL(url)
    return f"{base}{parsed.raw_path_qs}" if parsed.host in _FILE_SERVERS else url
