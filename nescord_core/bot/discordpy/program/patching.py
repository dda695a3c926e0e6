"""Patches discord.py's own classes to use nescord's transport, for a bot that knows nothing of it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import discord

from nescord_core.bot.discordpy import transport

__all__ = ["replace_transport"]


def replace_transport() -> None:
    """Make every client of this process run on nescord, including existing ones."""
    for kind in (discord.Client, discord.AutoShardedClient):
        if "connect" in vars(kind) and not hasattr(vars(kind)["connect"], "__wrapped__"):
            _replace(kind)


def _replace(kind: type[Any]) -> None:
    own = vars(kind)
    kind.connect = functools.wraps(own["connect"])(_connect)
    kind.close = _closing(own["close"])
    if "login" in own:
        kind.login = _logging_in(own["login"])
        kind.run = _running(own["run"])


async def _connect(self: discord.Client, *, reconnect: bool = True) -> None:
    await transport.connect(self)


def _closing(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def close(self: discord.Client) -> None:
        transport.leave(self)
        await original(self)

    return close


def _logging_in(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    async def login(self: discord.Client, token: str) -> None:
        await original(self, transport.before_login(self, token))

    return login


def _running(original: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(original)
    def run(self: discord.Client, token: str, **options: Any) -> None:
        original(self, token, **transport.run_options(options))

    return run
