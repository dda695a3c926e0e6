"""Starts the sandbox's REST half on a real socket; every answer is held against Discord's document."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import aiohttp
from aiohttp import web

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.api import RestApi
from nescord_core.sandbox.http.rate_limits import Limits
from nescord_core.sandbox.world.world import World
from nescord_core.settings import SANDBOX_TOKEN, SandboxSettings
from support.sandbox import conformity

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
IMAGE = "data:image/png;base64," + base64.b64encode(PNG).decode()

Events = list[tuple[str, Any]]
"""Events with their payloads."""


class Facts:
    url = "ws://127.0.0.1:1/gateway"
    shards = 3
    world_name = "0a1b2c3d"

    def session_start_limit(self) -> dict[str, int]:
        return {"total": 1000, "remaining": 998, "reset_after": 86_400_000, "max_concurrency": 2}


class Unlimited(Limits):
    """Lets a scenario run at full speed."""

    def __init__(self) -> None:
        super().__init__(1_000_000)

    def take(self, rule: Any, token: str, major: str, now: float) -> Any:
        return super().take(None, token, major, now)


@dataclass
class Reply:
    status: int
    body: Any
    headers: Mapping[str, str]


@dataclass
class Rest:
    """A client of the sandbox that checks responses against the document, and records used operations."""

    world: World
    api: RestApi
    url: str
    session: aiohttp.ClientSession
    used: set[str] = field(default_factory=set)
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bot {SANDBOX_TOKEN}"})

    async def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        expect: int | None = None,
        conform: bool = True,
        **options: Any,
    ) -> Reply:
        headers = {**self.headers, **options.pop("headers", {})}
        if body is not None:
            options["json"] = body
        prefix = options.pop("prefix", "/api/v10")
        async with self.session.request(
            method, self.url + prefix + path, headers=headers, **options
        ) as answer:
            data = await answer.read()
            is_json = answer.content_type == "application/json"
            reply = Reply(
                answer.status, json.loads(data) if data and is_json else data or None, answer.headers
            )
        bare = path.partition("?")[0]
        if expect is not None:
            assert reply.status == expect, f"{method} {path}: {reply.status} {reply.body}"
        if conform and (is_json or not data):
            assert conformity.check(method, bare, reply.status, reply.body) == []
        found = contract.match(method, bare)
        if found is not None and reply.status < 400:
            self.used.add(found[0].operation_id)
        return reply

    async def ok(self, method: str, path: str, body: Any = None, **options: Any) -> Any:
        """Call and return the body of a success."""
        reply = await self.call(method, path, body, **options)
        assert reply.status < 300, f"{method} {path}: {reply.status} {reply.body}"
        return reply.body


@asynccontextmanager
async def sandbox(settings: SandboxSettings | None = None, *, limits: bool = False) -> AsyncIterator[Rest]:
    chosen = settings or SandboxSettings()
    world = World(chosen)
    world.seed(chosen.guilds)
    api = RestApi(world, Facts(), chosen)
    if not limits:
        api.limits = Unlimited()
    app = web.Application()
    app.add_routes(api.routes())
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    port = runner.addresses[0][1]
    world.public_url = f"http://127.0.0.1:{port}"
    async with aiohttp.ClientSession() as session:
        try:
            yield Rest(world, api, world.public_url, session)
        finally:
            await runner.cleanup()


def emoji(text: str) -> str:
    """Return an emoji as a path has it."""
    return quote(text)


def guild(rest: Rest) -> str:
    """Return the path of the guild."""
    return f"/guilds/{rest.world.guild_ids()[0]}"


def general(rest: Rest) -> str:
    """Return the path of #general."""
    return f"/channels/{rest.world.find_channel('general').id}"


def bearer(rest: Rest, user: str, scopes: str) -> dict[str, Any]:
    """Return the options of a call with a user's OAuth2 token."""
    token = rest.world.authorize(user, scopes)["access_token"]
    return {"headers": {"Authorization": f"Bearer {token}"}}


def last(heard: Events, event: str) -> Any:
    """Return the payload of the last event of that name."""
    return next(payload for name, payload in reversed(heard) if name == event)
