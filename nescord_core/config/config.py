"""The effective configuration of a project, and the settings objects of the services built from it."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from nescord_core import settings
from nescord_core.config.effective import Effective, parsed
from nescord_core.config.keys import BY_NAME
from nescord_core.config.values import format_value, mask_credentials
from nescord_core.discord_api.tokens import application_id
from nescord_core.errors import ConfigError
from nescord_core.process.hosts import is_loopback
from nescord_core.process.outgoing_proxies import Proxies

__all__ = ["CONFIG_DIGEST", "Config", "without_token"]

CONFIG_DIGEST = "NESCORD_CONFIG_DIGEST"
"""Environment variable that tells main which contents of the files the services were started with."""


@dataclass(frozen=True)
class Config:
    """All effective values of a project; each property returns the settings of one service.

    A property raises ConfigError if a value that its service requires is missing.
    """

    project: Path
    values: Mapping[str, Effective]
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: str = ""
    """Of the files' contents, read before the values."""

    def __getitem__(self, name: str) -> Any:
        return self.values[name].value

    def override(self, changes: Mapping[str, Any], source: str) -> Config:
        """Return a copy with other values, as `nescord dev` uses for its sandbox."""
        new = {n: Effective(BY_NAME[n], parsed(BY_NAME[n], v, source), source) for n, v in changes.items()}
        return replace(self, values={**self.values, **new})

    def shifted(self, offset: int) -> Config:
        """Return a copy with every local port shifted, so that two projects can run side by side."""
        if not offset:
            return self
        changes = {
            name: effective.key.shift(effective.value, offset)
            for name, effective in self.values.items()
            if effective.key.shift is not None and effective.value is not None
        }
        return self.override(changes, "--port-offset")

    def environment(self) -> dict[str, str]:
        """Return the environment variables that pass this configuration to a child process, with secrets."""
        variables = {
            effective.key.env: format_value(effective.value)
            for effective in self.values.values()
            if effective.source != "default" and effective.value is not None
        }
        return variables | {"NESCORD_STATE_DIR": str(self.state_dir)}

    @cached_property
    def state_dir(self) -> Path:
        """The directory for sessions, caches, logs and sockets, as an absolute path."""
        return self.project.resolve() / Path(self["state_dir"]).expanduser()

    @property
    def token(self) -> str | None:
        """The bot's token; None if it is not set."""
        token: str | None = self["token"]
        return token

    @property
    def bot_ids(self) -> frozenset[int]:
        """The user ids of the bot, on Discord and on the sandbox, as far as the tokens reveal them."""
        tokens = (self.token, self["sandbox.token"])
        return frozenset(number for token in tokens if token and (number := application_id(token)))

    @cached_property
    def proxies(self) -> Proxies:
        """The outgoing proxies of discord.proxy and the environment."""
        found = Proxies.of(self.environ, configured=self["discord.proxy"])
        used = found.proxy_for(self["discord.api_url"])
        if used is not None and not used.startswith("http://"):
            raise ConfigError(
                f"{mask_credentials(used)} is not an HTTP proxy, which is what rest and ws can use.",
                where="HTTPS_PROXY, HTTP_PROXY or ALL_PROXY in the environment",
                hint="Set discord.proxy (NESCORD_PROXY) to http://HOST:PORT, or exempt Discord by NO_PROXY.",
            )
        return found

    def require_token(self) -> str:
        """Return the bot's token; raise a ConfigError that says how to set it."""
        if self.token is None:
            raise ConfigError(
                "no bot token: DISCORD_BOT_TOKEN is not set.",
                hint=f"Set it in {self.project / '.env'} or in the environment,"
                " or run `nescord dev` without one to use the sandbox.",
            )
        return self.token

    @cached_property
    def security(self) -> settings.SecuritySettings:
        """The shared secret and the TLS files, of which either all three are set or none."""
        tls = {name: self[f"security.{name}"] for name in ("tls_cert", "tls_key", "tls_ca")}
        missing = [f"security.{name}" for name, path in tls.items() if path is None]
        if missing and len(missing) < len(tls):
            raise ConfigError(
                "mutual TLS requires a certificate, its key and the other side's CA.",
                where=", ".join(missing),
                hint="Set all of security.tls_cert, tls_key and tls_ca, or none.",
            )
        files = {name: None if path is None else self.project / path for name, path in tls.items()}
        for name, path in files.items():
            if path is not None and not path.is_file():
                raise ConfigError(f"file {path} does not exist.", where=f"security.{name}")
        return settings.SecuritySettings(
            secret=self["security.secret"], hosts=frozenset(self["security.hosts"]), **files
        )

    @cached_property
    def ws(self) -> settings.WsSettings:
        """Settings of the gateway service."""
        host, port = self._bound("ws.admin")
        return settings.WsSettings(
            token=self.require_token(),
            intents=self["bot.intents"],
            api_url=self["discord.api_url"],
            grpc_hosts=self["ws.grpc_host"],
            events=self["bot.events"],
            shards=self["ws.shards"],
            shard_ids=self["ws.shard_ids"],
            shards_per_cluster=self["ws.shards_per_cluster"],
            max_clusters=self["ws.max_clusters"],
            admin_host=host,
            admin_port=port,
            state_dir=self.state_dir,
            compress=self["ws.compress"],
            identify_window=self["ws.identify_window"],
            identify_reserve=self["ws.identify_reserve"],
            hello_timeout=self["ws.hello_timeout"],
            recovery_timeout=self["ws.recovery_timeout"],
            outbox_events=self["ws.outbox_events"],
            outbox_mb=self["ws.outbox_mb"],
            outbox_disk_mb=self["ws.outbox_disk_mb"],
            replay_events=self["ws.replay_events"],
            snapshot=settings.SnapshotSettings(
                enabled=self._keeps_snapshot,
                on_request=self["ws.snapshot.enabled"] == "auto",
                members=self["ws.snapshot.members"],
                presences=self["ws.snapshot.presences"],
                voice_states=self["ws.snapshot.voice_states"],
                threads=self["ws.snapshot.threads"],
            ),
            rest_url=self["rest.url"],
            cluster_url=self["cluster.url"],
            cluster_host=self["cluster.host"] or socket.gethostname(),
            proxies=self.proxies,
            security=self.security,
        )

    @property
    def _keeps_snapshot(self) -> bool:
        """Whether ws keeps snapshots from the start; "auto" does if main.entry is a discord.py bot's file."""
        wanted = self["ws.snapshot.enabled"]
        return bool(wanted == "on") or (wanted == "auto" and self["main.entry"].endswith(".py"))

    @cached_property
    def rest(self) -> settings.RestSettings:
        """Settings of the REST proxy."""
        self._check_bind(self["rest.host"], "rest.host")
        return settings.RestSettings(
            token=self.token if self["rest.passthrough"] else self.require_token(),
            api_url=self["discord.api_url"],
            host=self["rest.host"],
            port=self["rest.port"],
            global_limit=self["rest.global_limit"],
            passthrough=self["rest.passthrough"],
            cache=settings.CacheOptions(
                enabled=self["rest.cache.enabled"],
                ttl=self["rest.cache.ttl"],
                unlinked_ttl=self["rest.cache.unlinked_ttl"],
                max_mb=self["rest.cache.max_mb"],
                ttls=self["rest.cache.ttls"],
            ),
            state_dir=self.state_dir,
            max_body_mb=self["rest.max_body_mb"],
            max_bodies_mb=self["rest.max_bodies_mb"],
            max_connections=self["rest.max_connections"],
            max_queue=self["rest.max_queue"],
            request_timeout=self["rest.request_timeout"],
            proxies=self.proxies,
            security=self.security,
        )

    @cached_property
    def main(self) -> settings.MainSettings:
        """Settings of the bot's own process."""
        host, port = self._bound("main.listen")
        admin_host, admin_port = self._bound("main.admin")
        return settings.MainSettings(
            entry=self["main.entry"],
            arguments=self["main.arguments"],
            project_dir=self.project,
            listen_host=host,
            listen_port=port,
            workers=self["main.workers"],
            drain_timeout=self["main.drain_timeout"],
            event_timeout=self["main.event_timeout"],
            command_sync=self._command_sync(),
            start_timeout=self["main.start_timeout"],
            hang_timeout=self["main.hang_timeout"],
            reload_method=self["reload.method"],
            admin_host=admin_host,
            admin_port=admin_port,
            credit=self["main.credit"],
            concurrency=self["main.concurrency"],
            rest_url=self["rest.url"],
            cdn_url=self._cdn_url(),
            token=self.token,
            state_dir=self.state_dir,
            security=self.security,
            on_sandbox=self.token == self["sandbox.token"],
            config_digest=self.environ.get(CONFIG_DIGEST, self.digest),
        )

    def _is_local(self) -> bool:
        """Whether Discord is a sandbox on this machine."""
        return urlsplit(self["discord.api_url"]).hostname in {"127.0.0.1", "localhost", "::1"}

    def _cdn_url(self) -> str | None:
        """Return where the sandbox has its files; None for Discord, or a proxy of its API."""
        api = urlsplit(self["discord.api_url"])
        if not self._is_local() and self.token != self["sandbox.token"]:
            return None
        return f"{api.scheme}://{api.netloc}/cdn"

    def _command_sync(self) -> str | None:
        """Return where development syncs commands: the named guild or the sandbox, never all of Discord."""
        guild: int | None = self["main.commands_guild"]
        if guild is not None:
            return str(guild)
        return "global" if self._is_local() else None

    @cached_property
    def sandbox(self) -> settings.SandboxSettings:
        """Settings of the local Discord."""
        host, port = self["sandbox.listen"]
        return settings.SandboxSettings(
            token=self["sandbox.token"],
            host=host,
            port=port,
            guilds=self["sandbox.guilds"],
            shards=self["sandbox.shards"],
            max_concurrency=self["sandbox.max_concurrency"],
            identify_window=self["ws.identify_window"],
            disallowed_intents=self["sandbox.disallowed_intents"],
            rate_limits=self["sandbox.rate_limits"],
            bot_permissions=self["sandbox.bot_permissions"],
            persist=bool(self["sandbox.persist"]),
            seed=self._seed(),
            state_dir=self.state_dir,
        )

    def _seed(self) -> Path | None:
        """Return the file of the sandbox's first world, as an absolute path."""
        named: str | None = self["sandbox.seed"]
        return None if named is None else self.project.resolve() / Path(named).expanduser()

    @property
    def sandbox_api_url(self) -> str:
        """The base URL of the sandbox's API."""
        host, port = self["sandbox.listen"]
        return f"http://{host}:{port}/api/v10"

    def on_sandbox(self) -> Config:
        """Return a copy that uses the sandbox as Discord, with its URL and token."""
        changes = {"discord.api_url": self.sandbox_api_url, "token": self["sandbox.token"]}
        return self.override(changes, "the sandbox")

    def _bound(self, name: str) -> tuple[str, int]:
        host, port = self[name]
        self._check_bind(host, name)
        return host, port

    def _check_bind(self, host: str, name: str) -> None:
        if not is_loopback(host) and self["security.secret"] is None:
            raise ConfigError(
                f"{host} can be reached from other machines, and no secret is set.",
                where=f"{name} ({self.values[name].source})",
                hint="Set NESCORD_SECRET on every service, or bind to 127.0.0.1.",
            )


def without_token(config: Config) -> Config:
    """Return a copy without a token, for a plan that must not reach the real Discord."""
    effective = config.values["token"]
    return replace(config, values={**config.values, "token": replace(effective, value=None)})
