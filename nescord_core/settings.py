"""The settings of each service: frozen, narrow, and including every time-out.

`config.load` builds these from nescord.toml, .env, the environment and flags; code and tests may build them
directly. Times are in seconds, sizes in the unit of the name.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from nescord_core.process.outgoing_proxies import Proxies

__all__ = [
    "CACHE_KINDS",
    "CacheOptions",
    "MainSettings",
    "RestSettings",
    "SandboxSettings",
    "SecuritySettings",
    "SnapshotSettings",
    "WsSettings",
]

DEFAULT_API_URL = "https://discord.com/api/v10"
DEFAULT_STATE_DIR = Path(".nescord")
NO_PROXIES = Proxies()
CACHE_KINDS = ("messages", "members", "channels", "guilds", "users", "static")
"""The kinds of routes that the cache distinguishes."""


@dataclass(frozen=True, slots=True)
class SecuritySettings:
    """How a service authenticates its callers. Without a secret it binds to loopback only.

    ``hosts`` are names that callers may reach it by, besides addresses and names without a dot.
    """

    secret: str | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_ca: Path | None = None
    hosts: frozenset[str] = frozenset()

    def __repr__(self) -> str:
        return f"SecuritySettings(secret={'***' if self.secret else None}, tls={self.tls_cert is not None})"


@dataclass(frozen=True, slots=True)
class SnapshotSettings:
    """The guild state that ws caches for a main with an empty cache; off for bots that need none.

    ``on_request``: it is enabled by the first main that requests it.
    """

    enabled: bool = False
    on_request: bool = False
    members: bool = True
    presences: bool = True
    voice_states: bool = True
    threads: bool = True


@dataclass(frozen=True, slots=True)
class WsSettings:
    """Settings of the gateway service.

    ``intents`` is the number sent in IDENTIFY. ``events`` is None for all, or upper-case names. ``shards`` is
    None for what GET /gateway/bot recommends; ``shard_ids`` is None for all of them. ``grpc_hosts`` are
    host:port strings or one ``dns:///name:port``. ``compress`` is ``zstd-stream``, ``zlib-stream`` or
    ``none``.
    """

    token: str = field(repr=False)
    intents: int
    api_url: str = DEFAULT_API_URL
    grpc_hosts: tuple[str, ...] = ("127.0.0.1:7410",)
    events: frozenset[str] | None = None
    shards: int | None = None
    shard_ids: tuple[int, ...] | None = None
    shards_per_cluster: int = 16
    max_clusters: int = 128
    admin_host: str = "127.0.0.1"
    admin_port: int = 7402
    state_dir: Path = DEFAULT_STATE_DIR
    compress: str = "zstd-stream"
    identify_window: float = 5.0
    identify_reserve: int = 50
    hello_timeout: float = 20.0
    ready_timeout: float = 60.0
    connect_timeout: float = 15.0
    close_timeout: float = 1.0
    reconnect_delay: float = 1.0
    reconnect_cap: float = 60.0
    invalid_session_wait: tuple[float, float] = (1.0, 5.0)
    recovery_timeout: float = 300.0
    command_deadline: float = 30.0
    outbox_events: int = 500_000
    outbox_mb: int = 512
    outbox_disk_mb: int = 2048
    replay_events: int = 100
    linger: float = 0.005
    batch_events: int = 512
    batch_kb: int = 512
    keepalive: float = 10.0
    lease: float = 1.0
    silent_after: float = 3.0
    stuck_after: float = 30.0
    message_mb: int = 256
    redial_min: float = 0.05
    redial_max: float = 2.0
    resolve_interval: float = 5.0
    handover_grace: float = 2.0
    watermark_interval: float = 0.25
    stop_timeout: float = 10.0
    snapshot: SnapshotSettings = SnapshotSettings()
    rest_url: str | None = None
    cluster_url: str | None = field(default=None, repr=False)
    cluster_host: str = ""
    proxies: Proxies = NO_PROXIES
    security: SecuritySettings = SecuritySettings()


@dataclass(frozen=True, slots=True)
class CacheOptions:
    """The proxy's GET cache: time to live in seconds, maximum size on disk in MB.

    ``ttls`` overrides the time to live for kinds of routes: see CACHE_KINDS. ``unlinked_ttl`` is the maximum
    while ws does not report every change.
    """

    enabled: bool = True
    ttl: float = 60.0
    unlinked_ttl: float = 1.0
    max_mb: int = 256
    ttls: Mapping[str, float] = field(default_factory=dict)

    def ttl_of(self, kind: str, *, linked: bool = True) -> float:
        """Return the time to live of a kind of route; 0 disables caching."""
        ttl = self.ttls.get(kind, self.ttl)
        return ttl if linked else min(ttl, self.unlinked_ttl)


@dataclass(frozen=True, slots=True)
class RestSettings:
    """Settings of the REST proxy. ``global_limit`` is in requests per second.

    With ``passthrough``, callers may use other credentials than the bot's: other bots' or Bearer tokens.
    """

    token: str | None = field(repr=False)
    api_url: str = DEFAULT_API_URL
    host: str = "127.0.0.1"
    port: int = 7401
    global_limit: int = 50
    passthrough: bool = True
    cache: CacheOptions = CacheOptions()
    state_dir: Path = DEFAULT_STATE_DIR
    max_body_mb: int = 110
    max_bodies_mb: int = 1024
    max_connections: int = 4096
    bodies_memory_mb: int = 64
    spool_kb: int = 1024
    request_timeout: float = 30.0
    head_timeout: float = 30.0
    idle_timeout: float = 75.0
    max_queue: int = 10_000
    retries: int = 4
    retry_backoff: float = 0.5
    stop_timeout: float = 10.0
    proxies: Proxies = NO_PROXIES
    security: SecuritySettings = SecuritySettings()


@dataclass(frozen=True, slots=True)
class MainSettings:
    """Settings of the bot's own process: where it listens for events and where rest is.

    ``arguments`` follow a file's own name in its ``sys.argv``. ``reload_method`` is how a reload starts the
    new process: ``fork``, ``spawn``, or ``auto`` to choose. ``event_timeout`` (seconds) is how long an event
    of a discord.py bot waits for its listeners and commands before it counts as done. ``command_sync`` is
    where `nescord dev` syncs application commands: ``global``, the id of a guild, or None for nowhere.
    ``config_digest`` is that of the configuration files with whose values all services have been started.
    ``on_sandbox`` keeps the bot away from the real Discord.
    ``start_timeout`` (seconds) is how long a worker may take until it is ready.
    ``hang_timeout`` (seconds, 0 for never) is how long a worker may leave its parent unanswered before it
    counts as hung. ``cdn_url`` is where the sandbox has its files, None for Discord's own servers.
    """

    entry: str = "bot_main.app:listener"
    arguments: tuple[str, ...] = ()
    project_dir: Path = Path()
    listen_host: str = "127.0.0.1"
    listen_port: int = 7410
    workers: int = 1
    drain_timeout: float = 10.0
    start_timeout: float = 30.0
    hang_timeout: float = 60.0
    reload_method: str = "auto"
    admin_host: str = "127.0.0.1"
    admin_port: int = 7403
    credit: int = 2048
    linger: float = 0.005
    keepalive: float = 10.0
    message_mb: int = 256
    concurrency: int = 1024
    dedupe_window: int = 100_000
    event_timeout: float = 30.0
    command_sync: str | None = None
    stuck_after: float = 30.0
    rest_url: str = "http://127.0.0.1:7401"
    cdn_url: str | None = None
    token: str | None = field(default=None, repr=False)
    state_dir: Path = DEFAULT_STATE_DIR
    security: SecuritySettings = SecuritySettings()
    config_digest: str = ""
    on_sandbox: bool = False


SANDBOX_BOT_ID = 1191168914227200000
"""The id of the sandbox's bot and application, as old as the seeded world: the same in every run."""

# The first part is the id in base64, as in Discord's tokens: hikari reads its own id from there. The rest is
# obviously fake, and printed at the start.
SANDBOX_TOKEN = "MTE5MTE2ODkxNDIyNzIwMDAwMA.sandbox.not-a-real-token-local-use-only"  # noqa: S105


@dataclass(frozen=True, slots=True)
class SandboxSettings:
    """Settings of the local Discord. ``identify_window`` is its own pacing, as strict as Discord's.

    ``disallowed_intents`` is a bit mask of privileged intents that the bot lacks: identifying with one of
    them is answered with close code 4014. ``replay_events`` is how many events a RESUME may bring, None for
    as many as on Discord. ``guilds`` is the number of guilds created at the start. ``global_limit`` is in
    requests per second; without ``rate_limits`` REST has none. ``bot_permissions`` is a bit mask, None for
    all but Administrator. With ``persist`` the world is stored in ``state_dir`` and comes back at the next
    start; a new world is created from the file ``seed``, if there is one. ``shards`` and ``max_concurrency``
    are what GET /gateway/bot recommends.
    """

    token: str = field(default=SANDBOX_TOKEN, repr=False)
    host: str = "127.0.0.1"
    port: int = 7400
    guilds: int = 1
    shards: int = 1
    max_concurrency: int = 1
    identify_window: float = 5.0
    session_starts: int = 1000
    heartbeat_interval: float = 41.25
    resume_window: float = 300.0
    replay_events: int | None = None
    disallowed_intents: int = 0
    global_limit: int = 50
    rate_limits: bool = True
    bot_permissions: int | None = None
    persist: bool = False
    seed: Path | None = None
    state_dir: Path = DEFAULT_STATE_DIR
