"""The effective value of a configuration key, with its source."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from nescord_core.config.keys import Key
from nescord_core.config.values import format_value, mask_credentials
from nescord_core.errors import ConfigError
from nescord_core.events import Intents

__all__ = ["Effective", "parsed"]

_UNSET = {"bot.events": "*", "ws.shards": "auto", "ws.shard_ids": "all"}
"""What an unset value means, for keys where it has a meaning."""


@dataclass(frozen=True, slots=True)
class Effective:
    """A key's effective value and its source, such as ``nescord.toml`` or ``DISCORD_SHARDS in .env``."""

    key: Key
    value: Any
    source: str

    @property
    def shown(self) -> str:
        """The value as text for users, with secrets masked."""
        if self.value is None:
            return _UNSET.get(self.key.name, "(not set)")
        if self.key.name == "bot.intents":
            return ", ".join(name.lower() for name in Intents(self.value).names) or "none"
        return "***" if self.key.secret else mask_credentials(format_value(self.value)) or "none"


def parsed(key: Key, value: Any, where: str) -> Any:
    """Parse a value from ``where``; raises a ConfigError that says which values are accepted."""
    try:
        if "\0" in str(value):
            raise ValueError("no path, address or variable can hold the character NUL.")
        return key.parse(value)
    except ValueError as error:
        raise ConfigError(str(error), where=where) from None
