"""The ws service's parent process: owns the bot's sessions and runs one process per cluster of shards.

The parent holds no gateway connection and does not use gRPC: it asks Discord for the number of shards, grants
IDENTIFYs one after the other, keeps the clusters running (clusters.py), and serves one admin port and one
control socket for all of them.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine, Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, TypeVar

import aiohttp

from nescord_core.config import load
from nescord_core.errors import ConfigError, NescordError
from nescord_core.events import unreachable
from nescord_core.gateway.gateway_info import GatewayInfo, fetch_gateway_info
from nescord_core.gateway.identify.gate import LocalIdentifyGate, SharedIdentifyGate
from nescord_core.gateway.identify.sharding import count_warning
from nescord_core.gateway.identify.shared_queue import SharedIdentifyQueue, open_shared_queue
from nescord_core.plurals import counted
from nescord_core.services import service_process
from nescord_core.services.control import control_socket
from nescord_core.services.control.admin_port import Admin, serve_admin
from nescord_core.services.control.exclusive_lock import exclusive_lock
from nescord_core.services.control.running_services import announce
from nescord_core.services.control.shared_lock import is_locked
from nescord_core.services.ws.clusters import Clusters
from nescord_core.services.ws.metrics import metrics, stats
from nescord_core.services.ws.plan import (
    ClusterPlan,
    TooManyClusters,
    claim_name,
    described,
    lock_name,
    plan,
)
from nescord_core.settings import WsSettings

__all__ = ["WsClient", "run", "serve"]

log = logging.getLogger("nescord.ws")

LEFTOVER_WAIT = 8.0
"""Longest wait, in seconds, for the clusters of a killed ws; they exit by themselves sooner than that."""
RETRY = 0.05
ASK_AGAIN = 60.0
"""Seconds until Discord is asked again that has recommended too many shards for this host."""

Result = TypeVar("Result")


def run(settings: WsSettings) -> None:
    """Run the service in this process: SIGTERM and ^C stop it, SIGHUP replaces its clusters one by one."""
    reload = asyncio.Event()
    service_process.run(
        "ws",
        lambda stop, on_ready: serve(settings, stop=stop, on_ready=on_ready, reload=reload),
        secrets=(settings.token, settings.security.secret),
        fast_loop=False,
        on_hangup=_hangup(reload),
    )


async def serve(
    settings: WsSettings,
    *,
    stop: asyncio.Event,
    on_ready: Callable[[str], None],
    reload: asyncio.Event | None = None,
) -> None:
    """Hold the shards and deliver their events until ``stop``; sessions are kept for the next start.

    ``on_ready`` receives the admin address once every shard is connected and main is attached. ``reload``
    triggers a rolling restart of the clusters.

    Raises:
        AlreadyRunning: another ws uses this token with the same state_dir.
        TokenRejected, FatalClose: Discord rejects the bot as it is configured.
        IdentifyBudgetSpent: too few session starts are left today.
        PortTaken: another process has the admin port.
        ServiceFailed: a cluster died repeatedly.
        ConfigError: ``cluster.url`` is set, and its client library is not installed.

    """
    _warn_of_missing_intents(settings)
    async with AsyncExitStack() as stack:
        queue = await stack.enter_async_context(
            open_shared_queue(
                settings.cluster_url,
                settings.token,
                window=settings.identify_window,
                host=settings.cluster_host,
            )
        )
        parent = Parent(settings, queue)
        stack.enter_context(exclusive_lock(settings.state_dir, lock_name(settings), "ws"))
        address = await stack.enter_async_context(parent.admin())
        await stack.enter_async_context(
            control_socket.serve_control(
                settings.state_dir, parent.commands(stop), name=control_socket.WS, service="nescord run ws"
            )
        )
        stack.enter_context(announce(settings.state_dir, "ws", address=address, admin=address))
        with service_process.one_error():
            await parent.run(stop, lambda: on_ready(address), reload or asyncio.Event())


class Parent:
    """Runs the clusters and serves the admin interface for all of them."""

    def __init__(self, settings: WsSettings, shared_queue: SharedIdentifyQueue | None = None) -> None:
        self._settings = settings
        self._shared_queue = shared_queue
        self._changed = asyncio.Event()
        self._clusters = Clusters(settings, changed=self._changed.set)
        self._phase = "asking Discord for the gateway's address"

    async def run(self, stop: asyncio.Event, on_ready: Callable[[], None], reload: asyncio.Event) -> None:
        """Run until ``stop`` or a fatal error."""
        async with asyncio.TaskGroup() as tasks:
            background = [
                tasks.create_task(self._stop_when(stop)),
                tasks.create_task(self._report_ready(on_ready)),
                tasks.create_task(self._reload_when(reload)),
            ]
            await self._clusters.run(lambda: self._plan(stop))
            for task in background:
                task.cancel()

    def admin(self) -> Any:
        """Return the context manager that serves the admin port."""
        settings = self._settings
        return serve_admin(
            Admin(
                "ws", unhealthy=self.unhealthy, unready=self.unready, stats=self.stats, metrics=self._metrics
            ),
            settings.admin_host,
            settings.admin_port,
            key="ws.admin (NESCORD_WS_ADMIN)",
            security=settings.security,
        )

    def commands(self, stop: asyncio.Event) -> Mapping[str, control_socket.Command]:
        """Return the commands of the control socket."""

        async def reload(_: control_socket.Answer) -> Mapping[str, Any]:
            return await self._clusters.replace_all()

        async def status(_: control_socket.Answer) -> Mapping[str, Any]:
            return await self.stats()

        async def end(_: control_socket.Answer) -> Mapping[str, Any]:
            stop.set()
            return {}

        return {"reload": reload, "status": status, "stop": end}

    def unhealthy(self) -> list[str]:
        """Return the shards that did not recover within ``recovery_timeout``, and hung clusters."""
        return [problem for slot in self._clusters.slots for problem in slot.unwell()]

    def unready(self) -> list[str]:
        """Return what is missing: shards that are not connected, main that is not attached."""
        slots = self._clusters.slots
        # Every cluster reports a missing main with the same text: once is enough.
        problems = list(dict.fromkeys(problem for slot in slots for problem in slot.unready()))
        return problems if slots else [self._phase]

    async def stats(self) -> Mapping[str, Any]:
        """Return the statistics of every shard, the outbox and every cluster's process."""
        await self._clusters.ask_numbers()
        gate, now = self._clusters.gate, asyncio.get_running_loop().time()
        return {
            "service": "ws",
            "phase": self._phase,
            "identifies_left_today": gate.remaining if gate else None,
            **stats(self._clusters.slots, now),
        }

    async def _metrics(self) -> bytes:
        await self._clusters.ask_numbers()
        gate = self._clusters.gate
        return metrics(self._clusters.slots, gate.remaining if gate else None)

    async def _plan(self, stop: asyncio.Event) -> tuple[ClusterPlan, LocalIdentifyGate] | None:
        """Ask Discord and wait for the clusters of a killed ws; return None if a stop comes first."""
        found = await _unless(stop, self._feasible_plan())
        if found is None or await _unless(stop, self._leftovers_gone()) is None:
            return None
        settings = self._settings
        planned, info = found
        if why := count_warning(settings.shards, info.shards, info.session_start_limit.max_concurrency):
            log.warning("ws.shards: %s; set it to auto to use that number", why)
        log.info("%s", described(planned))
        self._phase = "running"
        return planned, self._gate(info)

    async def _feasible_plan(self) -> tuple[ClusterPlan, GatewayInfo]:
        """Ask Discord until the shards fit this host: a recommendation may be wrong for a while."""
        settings = self._settings
        while True:
            info = await self._gateway_info()
            try:
                return plan(settings, info), info
            except ValueError as error:
                raise ConfigError(f"{error}.", where="ws.shard_ids (NESCORD_SHARD_IDS)") from None
            except TooManyClusters as error:
                if settings.shards is not None or settings.shard_ids is not None:
                    raise ConfigError(str(error), where="ws.shards (DISCORD_SHARDS)") from None
                log.error("%s Discord recommends that many; asking again in %g s.", error, ASK_AGAIN)
                self._phase = str(error)
            await asyncio.sleep(ASK_AGAIN)

    def _gate(self, info: GatewayInfo) -> LocalIdentifyGate:
        settings, clock = self._settings, asyncio.get_running_loop().time
        limit = info.session_start_limit
        window, reserve = settings.identify_window, settings.identify_reserve
        if self._shared_queue is None:
            return LocalIdentifyGate(limit, window=window, reserve=reserve, clock=clock)
        return SharedIdentifyGate(
            limit, window=window, reserve=reserve, clock=clock, turns=self._shared_queue
        )

    async def _gateway_info(self) -> GatewayInfo:
        async with aiohttp.ClientSession() as http:
            settings = self._settings
            proxy = settings.proxies.proxy_for(settings.api_url)
            return await fetch_gateway_info(http, settings.api_url, settings.token, proxy=proxy)

    async def _leftovers_gone(self) -> bool:
        """Wait for the clusters of a killed ws: two processes would take a session from each other."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + LEFTOVER_WAIT
        name = claim_name(self._settings)
        while is_locked(self._settings.state_dir, name) and loop.time() < deadline:
            self._phase = "waiting for the clusters of a killed ws to exit"
            await asyncio.sleep(RETRY)
        return True

    async def _stop_when(self, stop: asyncio.Event) -> None:
        await stop.wait()
        self._phase = "stopping"
        self._clusters.request_stop()

    async def _reload_when(self, reload: asyncio.Event) -> None:
        while True:
            await reload.wait()
            reload.clear()
            try:
                await self._clusters.replace_all()
            except NescordError as error:
                log.error("%s", error)

    async def _report_ready(self, on_ready: Callable[[], None]) -> None:
        """Report readiness once, with the numbers of resumed and new sessions."""
        while not self._clusters.is_ready:
            self._changed.clear()
            await self._changed.wait()
        conditions = [slot.handle.condition for slot in self._clusters.slots if slot.handle.condition]
        resumed = sum(condition.resumed for condition in conditions)
        identified = sum(condition.identified for condition in conditions)
        log.info("resumed %s, %d with a new session", counted(resumed, "shard"), identified)
        on_ready()


class WsClient:
    """The gateway service from code: ``WsClient(token=..., grpc_host=...).run()``.

    Every argument is a key of docs/reference/configuration.md and defaults to its value: ``token``,
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
            raise TypeError(f"WsClient has no argument {', '.join(sorted(unknown))}.")
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
        """The settings: these arguments, completed by the configuration of the working directory."""
        return load(Path.cwd(), flags=self._flags).ws

    def run(self) -> None:
        """Serve until SIGTERM or ^C, keeping sessions for the next start; SIGHUP replaces the clusters."""
        run(self.settings)


async def _unless(stop: asyncio.Event, work: Coroutine[Any, Any, Result]) -> Result | None:
    """Return the work's result, or None if ``stop`` is set first."""
    async with asyncio.TaskGroup() as tasks:
        working = tasks.create_task(work)
        stopping = tasks.create_task(stop.wait())
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        if not working.done():
            working.cancel()
            return None
    return working.result()


def _hangup(reload: asyncio.Event) -> Callable[[], bool]:
    """Return a SIGHUP callback for a rolling restart; it returns True (stop) if the terminal was closed."""
    had_terminal = _has_terminal()

    def on_hangup() -> bool:
        if had_terminal and not _has_terminal():
            return True
        log.info("SIGHUP: replacing the clusters one by one")
        reload.set()
        return False

    return on_hangup


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True


def _warn_of_missing_intents(settings: WsSettings) -> None:
    for event, wanted in unreachable(settings.events or (), settings.intents).items():
        names = " or ".join(name.lower() for name in wanted.names)
        log.warning("bot.events lists %s, but bot.intents lacks %s: it is never sent", event, names)
