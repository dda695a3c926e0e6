"""The sandbox on one socket: Discord's REST API, the gateway, the page and the control API."""

from __future__ import annotations

import asyncio
import ipaddress
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

from aiohttp import web

from nescord_core.errors import ConfigError
from nescord_core.process.ports import refusal
from nescord_core.sandbox.control.api import ControlApi
from nescord_core.sandbox.faults import FaultPlan
from nescord_core.sandbox.gateway.server import GATEWAY_PATH, RESUME_PATH, GatewayServer
from nescord_core.sandbox.http.api import RestApi
from nescord_core.sandbox.http.fault_injection import inject_rest_faults
from nescord_core.sandbox.http.routes.applications import LIMITED_INTENT_FLAGS
from nescord_core.sandbox.page.service import EventFeed, add_page
from nescord_core.sandbox.request_guard import local_only
from nescord_core.sandbox.seeds.planting import plant
from nescord_core.sandbox.seeds.reading import read_seed
from nescord_core.sandbox.seeds.schema import Seed
from nescord_core.sandbox.storage.keeper import WorldKeeper
from nescord_core.sandbox.storage.world_files import WorldFiles
from nescord_core.sandbox.voice.calls import Call
from nescord_core.sandbox.voice.server import VoiceServer
from nescord_core.sandbox.world.simcord.model import channel_accessible
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings

__all__ = ["Sandbox", "check_loopback"]

STOP_TIMEOUT = 1.0
"""Seconds that connections get to close when the sandbox stops."""
TICK = 1.0
"""Seconds between two checks for polls and scheduled events that start or end."""
MAX_BODY = 64 << 20


class Sandbox:
    """One sandbox: the world and everything that serves it."""

    def __init__(self, settings: SandboxSettings) -> None:
        self.settings = settings
        self.faults = FaultPlan()
        self.world = World(settings)
        self.gateway = GatewayServer(self.world, settings, self.faults, now=time.monotonic)
        self.gateway.can_view = lambda channel_id: channel_accessible(
            self.world.model, channel_id, self.world.application_id
        )
        self.gateway.is_available = self.world.is_available
        self.gateway.application_flags = LIMITED_INTENT_FLAGS
        self.seed: Seed | None = None
        self.keeper = WorldKeeper(self.world, WorldFiles(settings.state_dir)) if settings.persist else None
        self.feed = EventFeed()
        self.voice = VoiceServer(self.world.application_id, now=time.monotonic, publish=self.gateway.publish)
        self.voice.on_speaking = self._publish_speaking

    @asynccontextmanager
    async def running(self) -> AsyncIterator[str]:
        """Serve for as long as the block runs; yields host:port.

        Raises:
            ConfigError: the address is not on loopback, or the seed file is not valid.
            PortTaken: another process has the port.

        """
        check_loopback(self.settings.host)
        if self.settings.seed is not None:
            self.seed = read_seed(self.settings.seed)
        group = asyncio.TaskGroup()
        runner = web.AppRunner(self._app(group.create_task), access_log=None, shutdown_timeout=STOP_TIMEOUT)
        await runner.setup()
        try:
            # Outside the group, which would wrap PortTaken in an ExceptionGroup.
            address = await self._listen(runner)
            # No request is read before: nothing awaits in between.
            self._create_world()
            async with group, self.voice.running(self.settings.host):
                background = [group.create_task(self.gateway.run()), group.create_task(self._tick())]
                if self.keeper is not None:
                    background.append(group.create_task(self.keeper.run()))
                try:
                    yield address
                finally:
                    await self._stop(runner)
                    for task in background:
                        task.cancel()
        finally:
            await runner.cleanup()
            if self.keeper is not None:
                await self.keeper.save()

    def _create_world(self) -> None:
        """Load the stored world, or create a new one."""
        if self.keeper is None or not self.keeper.load():
            self._seed()
        if self.keeper is not None:
            self.gateway.world_name = self.keeper.name
            self.keeper.begin()

    def _seed(self) -> None:
        if self.seed is None:
            self.world.seed(self.settings.guilds)
        else:
            plant(self.world, self.seed)

    def _app(self, spawn: Callable[[Coroutine[Any, Any, None]], object]) -> web.Application:
        middlewares = [local_only, inject_rest_faults(self.faults)]
        app = web.Application(middlewares=middlewares, client_max_size=MAX_BODY)
        self.control = ControlApi(self.world, self.gateway, self.voice, spawn=spawn, wall_clock=time.time)
        for path in (GATEWAY_PATH, f"{GATEWAY_PATH}/", RESUME_PATH, f"{RESUME_PATH}/"):
            app.router.add_get(path, self.gateway.connect)
        for path in ("/healthz", "/readyz"):
            app.router.add_get(path, _health)
        add_page(app, self.feed)
        self.control.add_routes(app)
        api = RestApi(self.world, self.gateway, self.settings)
        api.on_response = lambda call: self.feed.publish("SANDBOX_REST", call)
        api.has_viewers = self.feed.has_viewers
        api.on_write = self._on_write
        app.add_routes(api.routes())
        self.world.subscribe(self.gateway.publish)
        self.world.subscribe(self.feed.publish)
        self.world.subscribe(self.voice.on_event)
        if self.keeper is not None:
            self.control.on_action = self.keeper.changed
            self.control.on_forget = self.keeper.forget
        self.gateway.on_change = self.control.on_change = self._publish_status
        self.control.on_build = lambda build: self.feed.publish("SANDBOX_BUILD", build)
        return app

    def _on_write(self) -> None:
        self.control.on_write()
        if self.keeper is not None:
            self.keeper.changed()

    def _publish_status(self) -> None:
        online, faults = self.gateway.online(), self.faults.active()
        status = {"bot_online": online, "faults": faults, "notice": self.control.notice}
        self.feed.publish("SANDBOX_STATUS", {**status, "notice_serving": self.control.notice_serving})

    def _publish_speaking(self, call: Call) -> None:
        payload = {"user_id": str(self.world.application_id), "speaking": call.speaking}
        self.feed.publish("SANDBOX_SPEAKING", {**payload, "channel_id": str(call.channel_id)}, call.guild_id)

    async def _listen(self, runner: web.AppRunner) -> str:
        host, port = self.settings.host, self.settings.port
        try:
            await web.TCPSite(runner, host.strip("[]"), port).start()
        except OSError as error:
            key = "sandbox.listen (NESCORD_SANDBOX_LISTEN)"
            raise refusal(error, host, port, service="sandbox", key=key) from None
        name, number = runner.addresses[0][:2]
        address = f"[{name}]:{number}" if ":" in name else f"{name}:{number}"
        self.gateway.set_address(address)
        self.world.public_url = f"http://{address}"
        return address

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK)
            self.world.tick()
            self._leave_voice()

    def _leave_voice(self) -> None:
        """Take the bot out of the voice channels of guilds for which it has no session any more."""
        for guild_id in list(self.voice.calls.by_guild):
            if next(self.gateway.table.for_guild(guild_id), None) is None:
                self.world.voice_leave(self.world.application_id, guild=guild_id)

    async def _stop(self, runner: web.AppRunner) -> None:
        for site in list(runner.sites):
            await site.stop()
        if (load := self.control.load) is not None:
            load.stopped = True
        self.feed.stop()
        await self.gateway.stop(STOP_TIMEOUT)


def check_loopback(host: str) -> None:
    """Raise ConfigError for an address that other machines can reach: the sandbox has no passwords."""
    try:
        fine = host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        fine = False
    if not fine:
        raise ConfigError(
            f"the sandbox listens on this machine only, not on {host!r}.",
            where="sandbox.listen",
            hint="Use 127.0.0.1, [::1] or localhost.",
        )


async def _health(_request: web.Request) -> web.Response:
    return web.json_response({"ok": True, "problems": []})
