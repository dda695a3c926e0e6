"""nescord: deploy, reload and scale a Discord bot without losing an event.

The public names are imported on first use, so that a program pays only for what it needs.
"""

# With underscores, so that editors offer the public names alone.
import typing as _typing
from importlib import import_module as _import_module

from nescord_core._version import __version__

if _typing.TYPE_CHECKING:
    from nescord_core.bot.listener import WsListener
    from nescord_core.bot.singleton import singleton_task
    from nescord_core.events import EventType, Intents
    from nescord_core.rest.client.client import RestClient
    from nescord_core.services.rest import RestServer
    from nescord_core.services.ws.parent import WsClient
    from nescord_core.settings import CacheOptions
    from nescord_core.tracing.current_event import current_event

__all__ = [
    "CacheOptions",
    "EventType",
    "Intents",
    "RestClient",
    "RestServer",
    "WsClient",
    "WsListener",
    "__version__",
    "current_event",
    "singleton_task",
]

_HOMES = {
    "CacheOptions": "nescord_core.settings",
    "EventType": "nescord_core.events",
    "Intents": "nescord_core.events",
    "RestClient": "nescord_core.rest.client.client",
    "RestServer": "nescord_core.services.rest",
    "WsClient": "nescord_core.services.ws.parent",
    "WsListener": "nescord_core.bot.listener",
    "current_event": "nescord_core.tracing.current_event",
    "singleton_task": "nescord_core.bot.singleton",
}


def __getattr__(name: str) -> _typing.Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(_import_module(home), name)


def __dir__() -> list[str]:
    return sorted(__all__)
