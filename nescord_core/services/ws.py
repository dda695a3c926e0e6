"""ws as a service: the gateway's shards on one side, main's replicas on the other."""

from __future__ import annotations

import asyncio
import hashlib
import logging
import secrets
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import asdict
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.config import load
from nescord_core.dispatch.sender import HelloFacts, Sender
from nescord_core.events import unreachable
from nescord_core.gateway.cluster import Cluster
from nescord_core.gateway.identify_gate import LocalIdentifyGate
from nescord_core.gateway.info import GatewayInfo, fetch_gateway_info
from nescord_core.gateway.session_store import DiskSessionStore
from nescord_core.gateway.sharding import shard_count, shards_held
from nescord_core.services import program
from nescord_core.services.admin import Admin, serve_admin
from nescord_core.services.ownership import sole_owner
from nescord_core.services.presence import announce
from nescord_core.services.ws_numbers import metrics
from nescord_core.settings import WsSettings

__all__ = ["WsClient", "serve"]

log = logging.getLogger("nescord.ws")


async def serve(settings: WsSettings, *, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Hold the shards and deliver their events until ``stop``; sessions are kept for the next start.

    ``on_ready`` gets the admin address once every shard is connected and main is attached.

    Raises:
        AlreadyRunning: another ws has this token with the same state_dir.
        TokenRejected, FatalClose: Discord will not have this bot as it is configured.
        IdentifyBudgetSpent: too few session starts are left today.
        PortTaken: somebody else has the admin port.

    """
    _warn_of_deaf_events(settings)
    service = WsService(settings)
    async with AsyncExitStack() as stack:
        name = f"ws-{hashlib.sha256(settings.token.encode()).hexdigest()[:12]}"
        stack.enter_context(sole_owner(settings.state_dir, name, "ws"))
        address = await stack.enter_async_context(service.admin())
        stack.enter_context(announce(settings.state_dir, "ws", address=address, admin=address))
        with program.one_error():
            await service.run(stop, lambda: on_ready(address))


class WsService:
    """Joins a cluster of shards with the sender of their events, and answers for both."""

    def __init__(self, settings: WsSettings) -> None:
        self._settings = settings
        self._cluster: Cluster | None = None
        self._sender: Sender | None = None
        self._gate: LocalIdentifyGate | None = None
        self._phase = "asking Discord where its gateway is"

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None]) -> None:
        """Run until ``stop`` or a fatal error."""
        info = await self._gateway_info(stop)
        if info is None:
            return
        async with DiskSessionStore(self._settings.state_dir, self._settings.token) as sessions:
            cluster, sender = self._join(info, sessions)
            async with asyncio.TaskGroup() as tasks:
                delivering = tasks.create_task(sender.run())
                helpers = [
                    tasks.create_task(self._tell_ready(on_ready)),
                    tasks.create_task(_then(stop, cluster.request_stop)),
                ]
                try:
                    await cluster.run()
                    # No more events come; what main finishes now need not be sent again by Discord.
                    self._phase = "stopping"
                    if sender.attached:
                        await sender.drain(self._settings.stop_timeout)
                    await cluster.flush()
                finally:
                    for task in (delivering, *helpers):
                        task.cancel()

    def admin(self) -> Any:
        """Return the context of the admin port."""
        settings = self._settings
        return serve_admin(
            Admin("ws", unhealthy=list, unready=self.unready, stats=self.stats, metrics=self._metrics),
            settings.admin_host,
            settings.admin_port,
            key="ws.admin (NESCORD_WS_ADMIN)",
            secret=settings.security.secret,
        )

    def unready(self) -> list[str]:
        """Say what is missing: shards that are not connected, main that is not there."""
        if self._cluster is None or self._sender is None:
            return [self._phase]
        shards = self._cluster.stats()
        problems = [f"shard {s.shard_id} is {s.state}" for s in shards if not s.connected]
        if not shards:
            problems.append("no shard has started yet")
        if not self._sender.attached:
            problems.append(f"main is not attached at {', '.join(self._settings.grpc_hosts)}")
        return problems

    def stats(self) -> Mapping[str, Any]:
        """Return every shard and the outbox."""
        cluster, sender = self._cluster, self._sender
        return {
            "service": "ws",
            "phase": self._phase,
            "identifies_left_today": self._gate.remaining if self._gate else None,
            "shards": [asdict(shard) for shard in cluster.stats()] if cluster else [],
            "outbox": asdict(sender.stats()) if sender else {},
        }

    def _metrics(self) -> bytes:
        cluster, sender = self._cluster, self._sender
        return metrics(cluster.stats() if cluster else [], sender.stats() if sender else None)

    async def _gateway_info(self, stop: asyncio.Event) -> GatewayInfo | None:
        """Ask until Discord answers; None when told to stop first."""
        async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
            asking = tasks.create_task(fetch_gateway_info(http, self._settings.api_url, self._settings.token))
            stopping = tasks.create_task(stop.wait())
            await asyncio.wait({asking, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if not asking.done():
                asking.cancel()
                return None
        return asking.result()

    def _join(self, info: GatewayInfo, sessions: DiskSessionStore) -> tuple[Cluster, Sender]:
        settings = self._settings
        count = shard_count(settings.shards, info.shards)
        ids = shards_held(settings.shard_ids, count)
        self._gate = LocalIdentifyGate(
            info.session_start_limit,
            window=settings.identify_window,
            reserve=settings.identify_reserve,
            clock=asyncio.get_running_loop().time,
        )
        self._sender = Sender(
            settings,
            hello=HelloFacts(secrets.token_hex(8), ids, count),
            acknowledged=self._acknowledged,
            command=self._command,
        )
        self._cluster = Cluster(
            settings,
            shard_ids=ids,
            shard_count=count,
            sink=self._sender.put,
            sessions=sessions,
            identify=self._gate,
            gateway_url=info.url,
        )
        self._phase = "running"
        return self._cluster, self._sender

    def _acknowledged(self, shard_id: int, session_id: str, seq: int) -> None:
        if self._cluster is not None:
            self._cluster.acknowledged(shard_id, session_id, seq)

    async def _command(self, shard_id: int, op: int, data: bytes, deadline: float) -> None:
        if self._cluster is not None:
            await self._cluster.command(shard_id, op, data, deadline)

    async def _tell_ready(self, on_ready: Callable[[], None]) -> None:
        """Log every change between ready and not, so that the log tells when and why events stood still."""
        ready = False
        while True:
            problems = self.unready()
            if not problems and not ready:
                on_ready()
            ready = not problems
            await asyncio.sleep(0.05 if not ready else 0.5)


class WsClient:
    """The gateway service from code: ``WsClient(token=..., grpc_host=...).run()``.

    Every argument is a key of the configuration (docs/configuration.md) and defaults to it: ``token``,
    ``grpc_host``, ``intents``, ``events``, ``shards``, ``shard_ids``, ``shards_per_cluster``, ``api_url``,
    ``admin``, ``state_dir``.
    """

    def __init__(
        self,
        token: str | None = None,
        *,
        grpc_host: str | None = None,
        intents: Any = None,
        events: Any = None,
        shards: int | str | None = None,
        **more: Any,
    ) -> None:
        names = {"shard_ids": "ws", "shards_per_cluster": "ws", "admin": "ws", "compress": "ws"}
        unknown = more.keys() - names.keys() - {"api_url", "state_dir", "secret"}
        if unknown:
            raise TypeError(f"WsClient does not take {', '.join(sorted(unknown))}.")
        self._flags = {
            "token": token,
            "ws.grpc_host": grpc_host,
            "bot.intents": None if intents is None else intents,
            "bot.events": events,
            "ws.shards": shards,
            "discord.api_url": more.get("api_url"),
            "state_dir": more.get("state_dir"),
            "security.secret": more.get("secret"),
            **{f"{section}.{name}": more.get(name) for name, section in names.items()},
        }

    @property
    def settings(self) -> WsSettings:
        """The settings that result with the configuration of the working directory."""
        return load(Path.cwd(), flags=self._flags).ws

    def run(self) -> None:
        """Serve until SIGTERM, SIGHUP or ^C; the sessions are kept for the next start."""
        settings = self.settings
        program.run(
            "ws",
            lambda stop, on_ready: serve(settings, stop=stop, on_ready=on_ready),
            secrets=(settings.token, settings.security.secret),
            fast_loop=False,
        )


async def _then(event: asyncio.Event, act: Callable[[], Any]) -> None:
    await event.wait()
    act()


def _warn_of_deaf_events(settings: WsSettings) -> None:
    for event, wanted in unreachable(settings.events or (), settings.intents).items():
        names = " or ".join(name.lower() for name in wanted.names)
        log.warning("bot.events asks for %s, but bot.intents lacks %s: it will never come", event, names)
