"""Keeps a bot that runs on the sandbox away from the real Discord, whatever library it uses.

The bot's file may hold a real token, and a client that nescord does not host would log in with it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

__all__ = ["guard", "is_discord"]

_NAMES = ("discord.com", "discordapp.com", "discord.gg")
_CDN = ("cdn.discordapp.com",)
"""Pictures and files: fetching one takes no token."""


def guard() -> None:
    """Refuse connections of this process to Discord's API and gateway; cannot be undone."""
    sys.addaudithook(_audit)
    # aiohttp may resolve names without the socket module (aiodns), and uvloop connects without it.
    setattr(aiohttp.TCPConnector, "connect", _guarded(aiohttp.TCPConnector.connect))  # noqa: B010 - for mypy


def is_discord(host: str) -> bool:
    """Whether a name belongs to Discord's API or gateway."""
    name = host.lower().rstrip(".")
    return name not in _CDN and any(name == each or name.endswith(f".{each}") for each in _NAMES)


def _guarded(original: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def connect(
        self: aiohttp.TCPConnector, req: aiohttp.ClientRequest, *arguments: Any, **options: Any
    ) -> Any:
        if is_discord(req.url.host or ""):
            raise aiohttp.ClientConnectionError(_reason(req.url.host or ""))
        return await original(self, req, *arguments, **options)

    return connect


def _audit(event: str, arguments: tuple[Any, ...]) -> None:
    if event in ("socket.getaddrinfo", "socket.gethostbyname"):
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    text = host.decode("ascii", "replace") if isinstance(host, bytes) else host
    if isinstance(text, str) and is_discord(text):
        raise ConnectionRefusedError(_reason(text))


def _reason(host: str) -> str:
    return f"this bot runs on the sandbox, where nothing connects to the real Discord ({host})"
