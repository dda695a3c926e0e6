"""Whom a changed file concerns: code is reloaded by main, configuration needs services to be restarted."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

__all__ = ["Effect", "effect_of", "services_of"]

ALL = ("sandbox", "rest", "ws", "main")


class Effect(enum.Enum):
    """What a changed file is."""

    CODE = "code"
    CONFIGURATION = "configuration"


def effect_of(path: str) -> Effect:
    """Tell configuration from code, by a path relative to the project."""
    configures = path in ("nescord.toml", ".env") or path.startswith(".env.")
    return Effect.CONFIGURATION if configures else Effect.CODE


KEYS: Mapping[str, tuple[str, ...]] = {
    "main.listen": ("main", "ws"),
    "main.workers": ("main", "ws"),
    "rest.host": ("rest", "main", "ws"),
    "rest.port": ("rest", "main", "ws"),
    "rest.url": ("ws", "main"),
    "reload.method": ("main",),
    "sandbox.listen": ALL,
}

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "discord": ("rest", "ws"),
    "bot": ("ws", "main"),
    "ws": ("ws",),
    "rest": ("rest",),
    "main": ("main",),
    "sandbox": ("sandbox",),
    "cluster": ("ws",),
}


def services_of(changed_keys: Iterable[str]) -> tuple[str, ...]:
    """Name the services that a change of these configuration keys concerns, in the order of their start.

    A key that no table knows, such as the token, ``state_dir`` or the secret, concerns all of them.
    """
    names: set[str] = set()
    for key in changed_keys:
        names |= set(KEYS.get(key) or SECTIONS.get(key.partition(".")[0], ALL))
    return tuple(name for name in ALL if name in names)
