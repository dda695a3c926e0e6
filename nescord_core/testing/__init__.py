"""Tests of a whole bot on a local Discord: the test kit, its pytest fixtures, and `running_bot`.

Nothing that nescord itself needs at run time. The names are imported on first use, since pytest imports the
plugin in every project of an environment that has nescord.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from nescord_core.testing.asynchronous import AsyncChannel, AsyncGuild, AsyncSandbox, AsyncUser
    from nescord_core.testing.blocking import Channel, Guild, Sandbox, User
    from nescord_core.testing.calls import NoMessage, Response
    from nescord_core.testing.running import RunningBot, running_bot

__all__ = [
    "AsyncChannel",
    "AsyncGuild",
    "AsyncSandbox",
    "AsyncUser",
    "Channel",
    "Guild",
    "NoMessage",
    "Response",
    "RunningBot",
    "Sandbox",
    "User",
    "running_bot",
]

_MODULES = {
    "asynchronous": ("AsyncChannel", "AsyncGuild", "AsyncSandbox", "AsyncUser"),
    "blocking": ("Channel", "Guild", "Sandbox", "User"),
    "calls": ("NoMessage", "Response"),
    "running": ("RunningBot", "running_bot"),
}
_HOMES = {name: f"{__name__}.{module}" for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
