"""Every key of the configuration: its name, variable, form, default and meaning.

A parser takes what TOML, a variable or a flag gives and returns the value, or raises ValueError with a
sentence that says what is accepted.
"""

from __future__ import annotations

import math
import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from nescord_core.events import Intents, event_names
from nescord_core.settings import CACHE_KINDS, DEFAULT_API_URL, SANDBOX_TOKEN

__all__ = ["KEYS", "Key", "format_value"]

Parse = Callable[[Any], Any]
Shift = Callable[[Any, int], Any]


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``shift`` moves the port in its value; ``secret`` keeps it out of files and output."""

    name: str
    env: str
    parse: Parse
    default: Any
    about: str
    secret: bool = False
    shift: Shift | None = None


def text(value: Any) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError(f"{value!r} is not a text.")
    return value.strip()


def one_of(*choices: str) -> Parse:
    def parse(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} is not one of {', '.join(choices)}.")
        return str(value)

    return parse


def number(low: float, high: float = math.inf, *, whole: bool = True) -> Parse:
    """Return a parser for a number between two bounds (both included)."""

    def parse(value: Any) -> float:
        kind: type[int] | type[float] = int if whole else float
        try:
            if isinstance(value, bool):
                raise TypeError
            result = kind(value)
        except (TypeError, ValueError):
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
        raise ValueError(f"{value!r} is not a guild's id.")
    return int(value)


def boolean(value: Any) -> bool:
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    found = words.get(str(value).lower())
    if found is None:
        raise ValueError(f"{value!r} is neither true nor false.")
    return found


class Words(tuple[str, ...]):
    """Arguments of a command, written as a shell takes them."""

    __slots__ = ()


def words(value: Any) -> Words:
    """Parse what a shell would take for arguments, or a list of them."""
    if isinstance(value, str):
        return Words(shlex.split(value))  # ValueError: a quotation that is not closed
    if not isinstance(value, list | tuple) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{value!r} is neither a text nor a list of texts.")
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
        raise ValueError(f"{value!r} is not HOST:PORT, such as 127.0.0.1:5000.")
    return host, int(port)


def addresses(value: Any) -> tuple[str, ...]:
    """Parse one or several HOST:PORT, or dns:///NAME:PORT."""
    if isinstance(value, tuple):
        return value
    parts = [text(part) for part in _items(value)]
    if not parts:
        raise ValueError("no address given; it takes HOST:PORT, several of them, or dns:///NAME:PORT.")
    for part in parts:
        address(part.removeprefix("dns:///"))
    return tuple(parts)


def url(value: Any) -> str:
    parts = urlsplit(text(value))
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError(f"{value!r} is not an http:// or https:// URL.")
    return str(value).rstrip("/")


def store_url(value: Any) -> str:
    if urlsplit(text(value)).scheme not in ("redis", "rediss", "valkey", "valkeys"):
        raise ValueError(f"{value!r} is not a redis:// or valkey:// URL.")
    return str(value)


def shards(value: Any) -> int | None:
    """Parse a shard count; None stands for what Discord recommends."""
    return None if value in ("auto", None) else int(number(1)(value))


def shard_ids(value: Any) -> tuple[int, ...] | None:
    """Parse `0-31`, `0,1,5-7`, or a list of ids; None stands for all."""
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
        raise ValueError("no shard id given; it takes ids and ranges such as 0-31,40.")
    return tuple(sorted(ids))


def intents(value: Any) -> int:
    """Parse intents; names, single bits or one whole number."""
    return int(Intents.parse(value))


def events(value: Any) -> frozenset[str] | None:
    """Parse event names in any spelling; None stands for all of them."""
    return event_names(value)


def seconds_by_kind(value: Any) -> dict[str, float]:
    """Parse a table of seconds, or `messages=5,members=30`."""
    if not isinstance(value, Mapping):
        value = dict(_pair(item) for item in _items(value))
    unknown = [kind for kind in value if kind not in CACHE_KINDS]
    if unknown:
        raise ValueError(f"{unknown[0]!r} is none of {', '.join(CACHE_KINDS)}.")
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
    """Write a value as its variable takes it."""
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

KEYS: tuple[Key, ...] = (
    Key("token", "DISCORD_BOT_TOKEN", text, None, "the bot's token", secret=True),
    Key("discord.api_url", "DISCORD_API_URL", url, DEFAULT_API_URL, "Discord's HTTP API, or a sandbox's"),
    Key(
        "bot.intents",
        "DISCORD_INTENTS",
        intents,
        int(Intents.default()),
        "what to receive: names, bits or a number",
    ),
    Key("bot.events", "EVENTS", events, None, "events passed on to main; * for all"),
    Key(
        "ws.grpc_host",
        "GRPC_HOST",
        addresses,
        ("127.0.0.1:5000",),
        "where main listens",
        shift=shift_addresses,
    ),
    Key("ws.shards", "DISCORD_SHARDS", shards, None, "number of shards, or auto"),
    Key("ws.shards_per_cluster", "SHARDS_PER_CLUSTER", number(1), 16, "shards in one process"),
    Key("ws.shard_ids", "NESCORD_SHARD_IDS", shard_ids, None, "the shards of this host, such as 0-31"),
    Key(
        "ws.admin",
        "NESCORD_WS_ADMIN",
        address,
        ("127.0.0.1", 6001),
        "health and statistics of ws",
        shift=shift_address,
    ),
    Key(
        "ws.identify_window",
        "NESCORD_IDENTIFY_WINDOW",
        SECONDS,
        5.0,
        "seconds between two IDENTIFYs of a key",
    ),
    Key(
        "ws.identify_reserve",
        "NESCORD_IDENTIFY_RESERVE",
        number(0),
        50,
        "session starts kept in reserve a day",
    ),
    Key(
        "ws.hello_timeout",
        "NESCORD_HELLO_TIMEOUT",
        number(0.1, whole=False),
        20.0,
        "seconds until a gateway that says nothing is given up",
    ),
    Key(
        "ws.recovery_timeout",
        "NESCORD_RECOVERY_TIMEOUT",
        number(1, whole=False),
        300.0,
        "seconds after which a shard that is not connected makes /healthz fail",
    ),
    Key(
        "ws.compress",
        "NESCORD_COMPRESS",
        one_of("zstd-stream", "zlib-stream", "none"),
        "zstd-stream",
        "transport compression",
    ),
    Key("ws.outbox_events", "NESCORD_OUTBOX_EVENTS", number(1), 500_000, "events kept while main is away"),
    Key("ws.outbox_mb", "NESCORD_OUTBOX_MB", number(1), 512, "memory for them, in MB"),
    Key("ws.outbox_disk_mb", "NESCORD_OUTBOX_DISK_MB", number(0), 2048, "disk for more of them, 0: none"),
    Key(
        "ws.snapshot.enabled",
        "NESCORD_SNAPSHOT",
        one_of("auto", "on", "off"),
        "auto",
        "keep the guilds for a discord.py bot; auto: when main.entry is a file",
    ),
    Key("ws.snapshot.members", "NESCORD_SNAPSHOT_MEMBERS", boolean, True, "their members, as they come"),
    Key("ws.snapshot.presences", "NESCORD_SNAPSHOT_PRESENCES", boolean, True, "who is online"),
    Key("ws.snapshot.voice_states", "NESCORD_SNAPSHOT_VOICE_STATES", boolean, True, "who is in voice"),
    Key("ws.snapshot.threads", "NESCORD_SNAPSHOT_THREADS", boolean, True, "active threads"),
    Key("rest.host", "NESCORD_REST_HOST", text, "127.0.0.1", "where rest listens"),
    Key("rest.port", "NESCORD_REST_PORT", number(0, 65535), 6000, "the port of rest", shift=shift_port),
    Key(
        "rest.url",
        "NESCORD_REST_URL",
        url,
        "http://127.0.0.1:6000",
        "where clients find rest",
        shift=shift_url,
    ),
    Key(
        "rest.global_limit",
        "NESCORD_GLOBAL_LIMIT",
        number(1),
        50,
        "requests a second that Discord grants the bot",
    ),
    Key("rest.passthrough", "NESCORD_PASSTHROUGH", boolean, True, "take other bots' and Bearer tokens too"),
    Key("rest.max_body_mb", "NESCORD_MAX_BODY_MB", number(1), 110, "the largest body that rest takes, in MB"),
    Key("rest.max_queue", "NESCORD_MAX_QUEUE", number(1), 10_000, "requests that may wait for rate limits"),
    Key(
        "rest.request_timeout",
        "NESCORD_REQUEST_TIMEOUT",
        number(0.1, whole=False),
        30.0,
        "seconds that Discord has to answer a small request",
    ),
    Key("rest.cache.enabled", "NESCORD_CACHE_ENABLED", boolean, True, "whether GETs are cached"),
    Key("rest.cache.ttl", "NESCORD_CACHE_TTL", SECONDS, 60.0, "seconds that a cached answer lives"),
    Key(
        "rest.cache.unlinked_ttl",
        "NESCORD_CACHE_UNLINKED_TTL",
        SECONDS,
        1.0,
        "the same while ws does not tell of changes",
    ),
    Key(
        "rest.cache.ttls",
        "NESCORD_CACHE_TTLS",
        seconds_by_kind,
        {},
        f"the same by what a route is about, such as messages=5; there are {', '.join(CACHE_KINDS)}",
    ),
    Key("rest.cache.max_mb", "NESCORD_CACHE_MAX_MB", number(1), 256, "size of the cache, in MB"),
    Key("main.entry", "NESCORD_ENTRY", text, "bot_main.app:listener", "the bot: module:attribute, or a file"),
    Key(
        "main.arguments", "NESCORD_ARGUMENTS", words, Words(), "what a file finds in sys.argv, as in a shell"
    ),
    Key(
        "main.listen",
        "NESCORD_MAIN_LISTEN",
        address,
        ("127.0.0.1", 5000),
        "where main listens for events",
        shift=shift_address,
    ),
    Key("main.workers", "NESCORD_WORKERS", number(1, 256), 1, "processes, on consecutive ports"),
    Key("main.drain_timeout", "NESCORD_DRAIN_TIMEOUT", SECONDS, 10.0, "seconds that handlers get to finish"),
    Key(
        "main.event_timeout",
        "NESCORD_EVENT_TIMEOUT",
        SECONDS,
        30.0,
        "seconds that an event of a discord.py bot waits for its listeners and commands",
    ),
    Key(
        "main.commands_guild",
        "NESCORD_COMMANDS_GUILD",
        guild_id,
        None,
        "guild that `nescord dev` syncs application commands to; none: everywhere on a sandbox",
    ),
    Key(
        "main.hang_timeout",
        "NESCORD_HANG_TIMEOUT",
        SECONDS,
        60.0,
        "seconds without an answer after which a worker is killed; 0 for never",
    ),
    Key(
        "main.admin",
        "NESCORD_MAIN_ADMIN",
        address,
        ("127.0.0.1", 6002),
        "health and statistics of main",
        shift=shift_address,
    ),
    Key("main.credit", "NESCORD_CREDIT", number(1), 2048, "events on their way without an acknowledgement"),
    Key("main.concurrency", "NESCORD_CONCURRENCY", number(1), 1024, "handlers running at once"),
    Key(
        "sandbox.listen",
        "NESCORD_SANDBOX_LISTEN",
        address,
        ("127.0.0.1", 7000),
        "the local Discord",
        shift=shift_address,
    ),
    Key("sandbox.token", "NESCORD_SANDBOX_TOKEN", text, SANDBOX_TOKEN, "the token it accepts"),
    Key("sandbox.guilds", "NESCORD_SANDBOX_GUILDS", number(1, 10_000), 1, "guilds it starts with"),
    Key("sandbox.shards", "NESCORD_SANDBOX_SHARDS", number(1), 1, "shards it recommends"),
    Key(
        "sandbox.max_concurrency",
        "NESCORD_SANDBOX_MAX_CONCURRENCY",
        number(1),
        1,
        "IDENTIFYs it takes at once",
    ),
    Key(
        "sandbox.disallowed_intents",
        "NESCORD_SANDBOX_DISALLOWED_INTENTS",
        intents,
        0,
        "privileged intents it refuses",
    ),
    Key("cluster.url", "NESCORD_CLUSTER_URL", store_url, None, "shared store for several hosts", secret=True),
    Key(
        "security.secret", "NESCORD_SECRET", text, None, "what callers show; needed off loopback", secret=True
    ),
    Key("security.tls_cert", "NESCORD_TLS_CERT", path, None, "certificate for gRPC"),
    Key("security.tls_key", "NESCORD_TLS_KEY", path, None, "its key"),
    Key("security.tls_ca", "NESCORD_TLS_CA", path, None, "the CA of the other side"),
    Key(
        "reload.method",
        "NESCORD_RELOAD_METHOD",
        one_of("auto", "fork", "spawn"),
        "auto",
        "how a reload starts the new process",
    ),
    Key("state_dir", "NESCORD_STATE_DIR", path, Path(".nescord"), "sessions, caches, logs and sockets"),
)
