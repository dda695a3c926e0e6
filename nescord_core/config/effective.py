"""A key's value in force, and where it came from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nescord_core.config.keys import Key
from nescord_core.config.values import format_value
from nescord_core.errors import ConfigError
from nescord_core.events import Intents

__all__ = ["Effective", "parsed"]

_UNSET = {"bot.events": "*", "ws.shards": "auto", "ws.shard_ids": "all"}
"""What no value means where it means something."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A key's value in force and where it came from: ``nescord.toml``, ``DISCORD_SHARDS in .env``..."""

    key: Key
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value for people: secrets masked."""
        if self.value is None:
            return _UNSET.get(self.key.name, "(not set)")
        if self.key.name == "bot.intents":
            return ", ".join(name.lower() for name in Intents(self.value).names) or "none"
        return "***" if self.key.secret else format_value(self.value)


def parsed(key: Key, value: Any, where: str) -> Any:
    """Parse a value from ``where``; raises ConfigError with a sentence that says what is accepted."""
    try:
        return key.parse(value)
    except ValueError as error:
        raise ConfigError(str(error), where=where) from None
