"""Maps a changed file to its effect: main reloads code; changed settings restart their services."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping

__all__ = ["ALL", "Effect", "effect_of", "services_of"]

ALL = ("sandbox", "rest", "ws", "main")


class Effect(enum.Enum):
    """Kind of a changed file: main reloads CODE, CONFIGURATION restarts services."""

    CODE = "code"
    CONFIGURATION = "configuration"


def effect_of(path: str) -> Effect:
    """Return the effect of a changed file; ``path`` is relative to the project."""
    is_configuration = path in ("nescord.toml", ".env") or path.startswith(".env.")
    return Effect.CONFIGURATION if is_configuration else Effect.CODE


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
    """Return the services that use any of these configuration keys, in start order.

    A key in neither table, such as the token, ``state_dir`` or the secret, affects all services.
    """
    names: set[str] = set()
    for key in changed_keys:
        names |= set(KEYS.get(key) or SECTIONS.get(key.partition(".")[0], ALL))
    return tuple(name for name in ALL if name in names)
