"""The gateway's server on a small fake world, for tests of the gateway alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import replace
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import unused_port

from nescord_core.sandbox.faults import FaultPlan
from nescord_core.sandbox.gateway.server import GATEWAY_PATH, RESUME_PATH, GatewayServer
from nescord_core.settings import SandboxSettings

BOT = "900"


def member(number: int, name: str) -> dict[str, Any]:
    return {"user": {"id": str(number), "username": name}, "nick": None, "roles": []}


class SmallWorld:
    """Guilds with members; remembers where the bot's voice went."""

    def __init__(self, guild_ids: list[int]) -> None:
        self.guilds = {each: [member(900, "bot"), member(1, "alice"), member(2, "bob")] for each in guild_ids}
        self.voice: list[tuple[int, int | None, bool, bool]] = []
        self.listeners: list[Callable[[str, Mapping[str, Any], int, int | None], None]] = []
        self.bot_user: Mapping[str, Any] = {"id": BOT, "username": "bot", "bot": True}
        self.application_id = 901

    def subscribe(self, listener: Callable[[str, Mapping[str, Any], int, int | None], None]) -> None:
        self.listeners.append(listener)

    def guild_ids(self) -> list[int]:
        return list(self.guilds)

    def guild_create(self, guild_id: int) -> Mapping[str, Any]:
        return {
            "id": str(guild_id),
            "name": "Sandbox",
            "member_count": len(self.guilds[guild_id]),
            "members": self.guilds[guild_id],
            "voice_states": [],
            "soundboard_sounds": [{"name": "quack", "sound_id": "5", "guild_id": str(guild_id)}],
            "channels": [{"id": "77", "type": 2, "status": "music"}, {"id": "78", "type": 0}],
        }

    def members(self, guild_id: int) -> list[dict[str, Any]]:
        return self.guilds[guild_id]

    def presence(self, user_id: int, guild_id: int) -> Mapping[str, Any]:
        status = "offline" if user_id == 900 else "idle"
        return {"user": {"id": str(user_id)}, "guild_id": str(guild_id), "status": status, "activities": []}

    def set_bot_voice(self, guild_id: int, channel_id: int | None, *, mute: bool, deaf: bool) -> None:
        self.voice.append((guild_id, channel_id, mute, deaf))


class Gateway:
    """A running gateway with its world; ``shift`` moves its time."""

    def __init__(self, settings: SandboxSettings, world: SmallWorld) -> None:
        self.shift = 0.0
        self.world = world
        self.settings = settings
        self.faults = FaultPlan()
        self.server = GatewayServer(world, settings, self.faults, now=lambda: time.monotonic() + self.shift)
        world.subscribe(self.server.publish)

    @property
    def url(self) -> str:
        return self.server.url

    def emit(self, event: str, payload: Mapping[str, Any], guild_id: int = 0) -> None:
        for listener in self.world.listeners:
            listener(event, payload, guild_id, None)

    def message(self, content: str, guild_id: int, **more: Any) -> None:
        payload = {
            "id": "5",
            "channel_id": "14",
            "content": content,
            "author": {"id": "1"},
            "mentions": [],
            **more,
        }
        if guild_id:
            payload["guild_id"] = str(guild_id)
        self.emit("MESSAGE_CREATE", payload, guild_id)


Start = Callable[..., Any]


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Return a function that starts a gateway with changed settings; all end with the test."""
    async with asyncio.TaskGroup() as group:
        runners: list[web.AppRunner] = []
        tasks: list[asyncio.Task[None]] = []

        async def starting(*, guilds: tuple[int, ...] = (1 << 22,), **changes: Any) -> Gateway:
            settings = replace(SandboxSettings(port=unused_port(), identify_window=0.0), **changes)
            gateway = Gateway(settings, SmallWorld(list(guilds)))
            app = web.Application()
            for path in (GATEWAY_PATH, f"{GATEWAY_PATH}/", RESUME_PATH, f"{RESUME_PATH}/"):
                app.router.add_get(path, gateway.server.connect)
            runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", settings.port).start()
            runners.append(runner)
            tasks.append(group.create_task(gateway.server.run()))
            return gateway

        yield starting
        for runner in runners:
            await runner.cleanup()
        for task in tasks:
            task.cancel()
