"""Declares every configuration key: its name, environment variable, parser, default and meaning."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nescord_core.config.values import (
    SECONDS,
    Parse,
    Shift,
    Words,
    address,
    addresses,
    boolean,
    events,
    guild_id,
    host_names,
    intents,
    number,
    one_of,
    path,
    permissions,
    proxy_url,
    seconds_by_kind,
    shard_ids,
    shards,
    shift_address,
    shift_addresses,
    shift_port,
    shift_url,
    store_url,
    text,
    url,
    words,
)
from nescord_core.events import Intents
from nescord_core.settings import CACHE_KINDS, DEFAULT_API_URL, SANDBOX_TOKEN

__all__ = ["BY_NAME", "KEYS", "Key"]


@dataclass(frozen=True, slots=True)
class Key:
    """One key. ``shift`` adds an offset to its port; ``secret`` bars its value from files and output."""

    name: str
    env: str
    parse: Parse
    default: Any
    about: str
    secret: bool = False
    shift: Shift | None = None


KEYS: tuple[Key, ...] = (
    Key("token", "DISCORD_BOT_TOKEN", text, None, "the bot's token", secret=True),
    Key(
        "discord.api_url",
        "DISCORD_API_URL",
        url,
        DEFAULT_API_URL,
        "base URL of Discord's HTTP API, or of a sandbox's",
    ),
    Key(
        "discord.proxy",
        "NESCORD_PROXY",
        proxy_url,
        None,
        "outgoing proxy to Discord; without one, HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY decide",
    ),
    Key(
        "bot.intents",
        "DISCORD_INTENTS",
        intents,
        int(Intents.default()),
        "intents to request: names, bits or a number",
    ),
    Key("bot.events", "EVENTS", events, None, "events to forward to main; * for all"),
    Key(
        "ws.grpc_host",
        "GRPC_HOST",
        addresses,
        ("127.0.0.1:7410",),
        "address of main",
        shift=shift_addresses,
    ),
    Key("ws.shards", "DISCORD_SHARDS", shards, None, "number of shards, or auto"),
    Key("ws.shards_per_cluster", "SHARDS_PER_CLUSTER", number(1), 16, "shards per process"),
    Key("ws.max_clusters", "NESCORD_MAX_CLUSTERS", number(1), 128, "most processes for shards on a host"),
    Key("ws.shard_ids", "NESCORD_SHARD_IDS", shard_ids, None, "shards of this host, such as 0-31"),
    Key(
        "ws.admin",
        "NESCORD_WS_ADMIN",
        address,
        ("127.0.0.1", 7402),
        "address for health and statistics of ws",
        shift=shift_address,
    ),
    Key(
        "ws.identify_window",
        "NESCORD_IDENTIFY_WINDOW",
        SECONDS,
        5.0,
        "seconds between two IDENTIFYs with the same rate limit key",
    ),
    Key(
        "ws.identify_reserve",
        "NESCORD_IDENTIFY_RESERVE",
        number(0),
        50,
        "session starts per day that are held in reserve",
    ),
    Key(
        "ws.hello_timeout",
        "NESCORD_HELLO_TIMEOUT",
        number(0.1, whole=False),
        20.0,
        "seconds to wait for the gateway's HELLO",
    ),
    Key(
        "ws.recovery_timeout",
        "NESCORD_RECOVERY_TIMEOUT",
        number(1, whole=False),
        300.0,
        "seconds that a shard may be disconnected before /healthz fails",
    ),
    Key(
        "ws.compress",
        "NESCORD_COMPRESS",
        one_of("zstd-stream", "zlib-stream", "none"),
        "zstd-stream",
        "transport compression: zstd-stream, zlib-stream or none",
    ),
    Key(
        "ws.outbox_events",
        "NESCORD_OUTBOX_EVENTS",
        number(1),
        500_000,
        "maximum number of events kept while main is away",
    ),
    Key("ws.outbox_mb", "NESCORD_OUTBOX_MB", number(1), 512, "maximum memory for these events, in MB"),
    Key(
        "ws.outbox_disk_mb",
        "NESCORD_OUTBOX_DISK_MB",
        number(0),
        2048,
        "disk space for further events, in MB; 0 for none",
    ),
    Key(
        "ws.replay_events",
        "NESCORD_REPLAY_EVENTS",
        number(0),
        100,
        "events that Discord replays at a RESUME, while the number of a session's guilds is unknown",
    ),
    Key(
        "ws.snapshot.enabled",
        "NESCORD_SNAPSHOT",
        one_of("auto", "on", "off"),
        "auto",
        "keep the guilds for a discord.py bot; auto: if main.entry is a file, or once main requests them",
    ),
    Key("ws.snapshot.members", "NESCORD_SNAPSHOT_MEMBERS", boolean, True, "include members, as they arrive"),
    Key("ws.snapshot.presences", "NESCORD_SNAPSHOT_PRESENCES", boolean, True, "include presences"),
    Key("ws.snapshot.voice_states", "NESCORD_SNAPSHOT_VOICE_STATES", boolean, True, "include voice states"),
    Key("ws.snapshot.threads", "NESCORD_SNAPSHOT_THREADS", boolean, True, "include active threads"),
    Key("rest.host", "NESCORD_REST_HOST", text, "127.0.0.1", "address that rest listens on"),
    Key(
        "rest.port",
        "NESCORD_REST_PORT",
        number(0, 65535),
        7401,
        "port that rest listens on",
        shift=shift_port,
    ),
    Key(
        "rest.url",
        "NESCORD_REST_URL",
        url,
        "http://127.0.0.1:7401",
        "URL at which clients reach rest",
        shift=shift_url,
    ),
    Key(
        "rest.global_limit",
        "NESCORD_GLOBAL_LIMIT",
        number(1),
        50,
        "requests per second that Discord allows the bot",
    ),
    Key(
        "rest.passthrough",
        "NESCORD_PASSTHROUGH",
        boolean,
        True,
        "also accept other bots' tokens and Bearer tokens",
    ),
    Key("rest.max_body_mb", "NESCORD_MAX_BODY_MB", number(1), 110, "maximum size of a request body, in MB"),
    Key(
        "rest.max_bodies_mb",
        "NESCORD_MAX_BODIES_MB",
        number(1),
        1024,
        "maximum size of all waiting request bodies together, in MB",
    ),
    Key(
        "rest.max_connections",
        "NESCORD_MAX_CONNECTIONS",
        number(1),
        4096,
        "maximum number of connected callers; a further one takes the place of the longest idle",
    ),
    Key(
        "rest.max_queue",
        "NESCORD_MAX_QUEUE",
        number(1),
        10_000,
        "maximum number of requests waiting for rate limits",
    ),
    Key(
        "rest.request_timeout",
        "NESCORD_REQUEST_TIMEOUT",
        number(0.1, whole=False),
        30.0,
        "seconds that Discord has to answer a small request",
    ),
    Key("rest.cache.enabled", "NESCORD_CACHE_ENABLED", boolean, True, "whether GET requests are cached"),
    Key("rest.cache.ttl", "NESCORD_CACHE_TTL", SECONDS, 60.0, "seconds until a cached answer expires"),
    Key(
        "rest.cache.unlinked_ttl",
        "NESCORD_CACHE_UNLINKED_TTL",
        SECONDS,
        1.0,
        "the same while ws sends no invalidations",
    ),
    Key(
        "rest.cache.ttls",
        "NESCORD_CACHE_TTLS",
        seconds_by_kind,
        {},
        f"the same by kind of route, such as messages=5; the kinds are {', '.join(CACHE_KINDS)}",
    ),
    Key("rest.cache.max_mb", "NESCORD_CACHE_MAX_MB", number(1), 256, "maximum size of the cache, in MB"),
    Key("main.entry", "NESCORD_ENTRY", text, "bot_main.app:listener", "the bot: module:attribute, or a file"),
    Key(
        "main.arguments",
        "NESCORD_ARGUMENTS",
        words,
        Words(),
        "arguments for a file (its sys.argv), quoted as in a shell",
    ),
    Key(
        "main.listen",
        "NESCORD_MAIN_LISTEN",
        address,
        ("127.0.0.1", 7410),
        "address that main receives events on",
        shift=shift_address,
    ),
    Key("main.workers", "NESCORD_WORKERS", number(1, 256), 1, "number of processes, on consecutive ports"),
    Key("main.drain_timeout", "NESCORD_DRAIN_TIMEOUT", SECONDS, 10.0, "seconds that handlers have to finish"),
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
        "guild that `nescord dev` syncs application commands to; none: globally, on a sandbox only",
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
        ("127.0.0.1", 7403),
        "address for health and statistics of main",
        shift=shift_address,
    ),
    Key(
        "main.credit", "NESCORD_CREDIT", number(1), 2048, "maximum number of unacknowledged events in flight"
    ),
    Key(
        "main.concurrency",
        "NESCORD_CONCURRENCY",
        number(1),
        1024,
        "maximum number of handlers running at once",
    ),
    Key(
        "sandbox.listen",
        "NESCORD_SANDBOX_LISTEN",
        address,
        ("127.0.0.1", 7400),
        "address of the local Discord",
        shift=shift_address,
    ),
    Key("sandbox.token", "NESCORD_SANDBOX_TOKEN", text, SANDBOX_TOKEN, "the token that the sandbox accepts"),
    Key("sandbox.guilds", "NESCORD_SANDBOX_GUILDS", number(1, 10_000), 1, "number of guilds at the start"),
    Key("sandbox.shards", "NESCORD_SANDBOX_SHARDS", number(1), 1, "recommended number of shards"),
    Key(
        "sandbox.max_concurrency",
        "NESCORD_SANDBOX_MAX_CONCURRENCY",
        number(1),
        1,
        "IDENTIFYs accepted at once",
    ),
    Key(
        "sandbox.disallowed_intents",
        "NESCORD_SANDBOX_DISALLOWED_INTENTS",
        intents,
        0,
        "privileged intents to reject",
    ),
    Key("sandbox.rate_limits", "NESCORD_SANDBOX_RATE_LIMITS", boolean, True, "whether REST has rate limits"),
    Key(
        "sandbox.bot_permissions",
        "NESCORD_SANDBOX_BOT_PERMISSIONS",
        permissions,
        None,
        "the bot's permissions: administrator, or a bit mask of an invite link; none: all but Administrator",
    ),
    Key(
        "cluster.url",
        "NESCORD_CLUSTER_URL",
        store_url,
        None,
        "Valkey or Redis, through which several hosts coordinate their IDENTIFYs",
        secret=True,
    ),
    Key(
        "security.secret",
        "NESCORD_SECRET",
        text,
        None,
        "shared secret that callers send; required off loopback",
        secret=True,
    ),
    Key(
        "security.hosts",
        "NESCORD_HOSTS",
        host_names,
        (),
        "names by which clients reach rest and the admin ports, besides addresses and names without a dot",
    ),
    Key("security.tls_cert", "NESCORD_TLS_CERT", path, None, "certificate for gRPC"),
    Key("security.tls_key", "NESCORD_TLS_KEY", path, None, "private key of the certificate"),
    Key("security.tls_ca", "NESCORD_TLS_CA", path, None, "CA of the other side's certificate"),
    Key(
        "reload.method",
        "NESCORD_RELOAD_METHOD",
        one_of("auto", "fork", "spawn"),
        "auto",
        "how a reload starts the new process: auto, fork or spawn",
    ),
    Key(
        "state_dir",
        "NESCORD_STATE_DIR",
        path,
        Path(".nescord"),
        "directory for sessions, caches, logs and sockets",
    ),
)

BY_NAME = {key.name: key for key in KEYS}
