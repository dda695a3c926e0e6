"""Parses and formats configuration values.

A parser accepts a value from TOML, a variable or a flag and returns the parsed value, or raises a ValueError
that says which values are accepted.
"""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nescord_core.events import Intents, event_names
from nescord_core.settings import CACHE_KINDS

__all__ = [
    "SECONDS",
    "Parse",
    "Shift",
    "Words",
    "address",
    "addresses",
    "boolean",
    "events",
    "format_value",
    "guild_id",
    "host_names",
    "intents",
    "mask_credentials",
    "number",
    "one_of",
    "path",
    "permissions",
    "proxy_url",
    "seconds_by_kind",
    "shard_ids",
    "shards",
    "shift_address",
    "shift_addresses",
    "shift_port",
    "shift_url",
    "store_url",
    "text",
    "url",
    "words",
]

ADMINISTRATOR = 1 << 3
"""https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags."""

Parse = Callable[[Any], Any]
Shift = Callable[[Any, int], Any]


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a non-empty string.")
    return value.strip()


def one_of(*choices: str) -> Parse:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is not one of {', '.join(choices)}.")
        return str(value)

    return parse


def number(low: float, high: float = math.inf, *, whole: bool = True) -> Parse:
    """Return a parser for a number between two inclusive bounds."""

    def parse(value: Any) -> float:
        kind: type[int] | type[float] = int if whole else float
        try:
            if isinstance(value, bool):
                raise TypeError
            result = kind(value)
        except (OverflowError, TypeError, ValueError):
            raise ValueError(f"{value!r} is not a {'whole ' if whole else ''}number.") from None
        if not low <= result <= high:
            limit = f"at least {low:g}" if high == math.inf else f"between {low:g} and {high:g}"
            raise ValueError(f"{value} is out of range: it must be {limit}.")
        return result

    return parse


def guild_id(value: Any) -> int | None:
    if value in (None, ""):
        return None
    if isinstance(value, bool) or not str(value).isdecimal() or not 0 < int(value) < 1 << 64:
        raise ValueError(f"{value!r} is not a guild id.")
    return int(value)


def host_names(value: Any) -> tuple[str, ...]:
    """Parse one or several host names, without ports."""
    names = tuple(text(str(item)).lower().rstrip(".") for item in _items(value))
    for name in names:
        if ":" in name or "/" in name:
            raise ValueError(f"{name!r} is not a host name such as rest.example.com.")
    return names


def boolean(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    found = words.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false.")
    return found


class Words(tuple[str, ...]):
    """Arguments of a command; as text they are quoted as in a shell."""

    __slots__ = ()


def words(value: Any) -> Words:
    """Parse arguments quoted as in a shell, or a list of strings."""
    if isinstance(value, str):
        return Words(shlex.split(value))  # ValueError: a quote that is not closed
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{value!r} is neither a string nor a list of strings.")
    return Words(value)


def path(value: Any) -> Path:
    return Path(text(str(value)))


def address(value: Any) -> tuple[str, int]:
    """Parse HOST:PORT; IPv6 hosts in brackets."""
    if isinstance(value, tuple):
        return value
    host, _, port = text(str(value)).rpartition(":")
    host = host.strip("[]")
    if not host or not port.isdigit() or not 0 <= int(port) <= 65535:
        raise ValueError(f"{value!r} is not HOST:PORT, such as 127.0.0.1:7410.")
    return host, int(port)


def addresses(value: Any) -> tuple[str, ...]:
    """Parse one or several HOST:PORT, or dns:///NAME:PORT."""
    if isinstance(value, tuple):
        return value
    parts = [text(part) for part in _items(value)]
    if not parts:
        raise ValueError("no address given: use one or more HOST:PORT, or dns:///NAME:PORT.")
    for part in parts:
        address(part.removeprefix("dns:///"))
    return tuple(parts)


def url(value: Any) -> str:
    parts = urlsplit(text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is not an http:// or https:// URL.")
    return str(value).rstrip("/")


def proxy_url(value: Any) -> str:
    parts = urlsplit(text(value))
    if parts.scheme != "http" or not parts.hostname:
        raise ValueError(
            f"{mask_credentials(str(value))!r} is not a proxy such as http://proxy.example:3128."
        )
    return str(value).rstrip("/")


def mask_credentials(url: str) -> str:
    """Return a URL without its user name and password."""
    return re.sub(r"//[^/@]*@", "//***@", url)


def store_url(value: Any) -> str:
    """Accept the URL of a NATS server, or several separated by commas."""
    for part in text(value).split(","):
        url = urlsplit(part.strip() if "://" in part else f"nats://{part.strip()}")
        try:
            port = url.port
        except ValueError:
            port = -1
        if url.scheme not in ("nats", "tls") or not url.hostname or port == -1:
            raise ValueError(f"{mask_credentials(part.strip())!r} is not a nats:// or tls:// URL.")
    return str(value).replace(" ", "")


def shards(value: Any) -> int | None:
    """Parse a shard count; None means the number that Discord recommends."""
    return None if value in ("auto", None) else int(number(1)(value))


def shard_ids(value: Any) -> tuple[int, ...] | None:
    """Parse `0-31`, `0,1,5-7`, or a list of ids; None means all."""
    if value in ("all", None):
        return None
    ids: set[int] = set()
    for item in _items(value):
        first, dash, last = str(item).partition("-")
        try:
            low = int(first)
            high = int(last) if dash else low
        except ValueError:
            raise ValueError(f"{item!r} is not a shard id or a range such as 0-31.") from None
        if low > high:
            raise ValueError(f"{item!r} runs backwards.")
        ids.update(range(low, high + 1))
    if not ids:
        raise ValueError("no shard id given: use ids and ranges such as 0-31,40.")
    return tuple(sorted(ids))


def intents(value: Any) -> int:
    """Parse intents: names, single bits or one number."""
    return int(Intents.parse(value))


def permissions(value: Any) -> int | None:
    """Parse a bit mask of permissions, or ``administrator``; None for the default."""
    if value in (None, ""):
        return None
    if value == "administrator":
        return ADMINISTRATOR
    if isinstance(value, bool) or not str(value).isdecimal():
        raise ValueError(f"{value!r} is neither a bit mask of permissions nor administrator.")
    return int(value)


def events(value: Any) -> frozenset[str] | None:
    """Parse event names in any spelling; None means all events."""
    return event_names(value)


def seconds_by_kind(value: Any) -> dict[str, float]:
    """Parse a table of seconds, or `messages=5,members=30`."""
    if not isinstance(value, Mapping):
        value = dict(_pair(item) for item in _items(value))
    unknown = [kind for kind in value if kind not in CACHE_KINDS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is not one of {', '.join(CACHE_KINDS)}.")
    return {kind: SECONDS(seconds) for kind, seconds in value.items()}


def _pair(item: Any) -> tuple[str, str]:
    kind, equals, seconds = str(item).partition("=")
    if not equals:
        raise ValueError(f"{item!r} is not KIND=SECONDS, such as messages=5.")
    return kind.strip(), seconds.strip()


def _items(value: Any) -> Iterable[Any]:
    if isinstance(value, str):
        return [item.strip() for item in value.split(",") if item.strip()]
    return value if isinstance(value, (list, tuple, set, frozenset)) else [value]


def shift_address(value: tuple[str, int], offset: int) -> tuple[str, int]:
    return value[0], value[1] + offset


def shift_addresses(value: tuple[str, ...], offset: int) -> tuple[str, ...]:
    def moved(item: str) -> str:
        host, port = address(item.removeprefix("dns:///"))
        return item if item.startswith("dns:///") else f"{host}:{port + offset}"

    return tuple(moved(item) for item in value)


def shift_port(value: int, offset: int) -> int:
    return value + offset


def shift_url(value: str, offset: int) -> str:
    parts = urlsplit(value)
    if parts.port is None:
        return value
    return urlunsplit(parts._replace(netloc=f"{parts.hostname}:{parts.port + offset}"))


def format_value(value: Any) -> str:
    """Format a value as its environment variable accepts it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, Words):
        return shlex.join(value)
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], str)
        and isinstance(value[1], int)
    ):
        return f"{value[0]}:{value[1]}"
    if isinstance(value, Mapping):
        return ",".join(f"{name}={item:g}" for name, item in value.items())
    if isinstance(value, (tuple, list, frozenset, set)):
        return ",".join(sorted(str(v) for v in value) if isinstance(value, frozenset) else map(str, value))
    return str(value)


SECONDS = number(0, whole=False)
"""Parses seconds: a number of at least 0."""
