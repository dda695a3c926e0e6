"""A whole sandbox on a free port, for tests that need its sockets."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

import aiohttp

from nescord_core.sandbox.server import Sandbox
from nescord_core.settings import SandboxSettings


@dataclass
class RunningSandbox:
    """The sandbox, its address, and its control API: ``await sandbox.post("/say", channel=...)``."""

    sandbox: Sandbox
    address: str
    http: aiohttp.ClientSession

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    @property
    def token(self) -> str:
        return self.sandbox.settings.token

    @property
    def gateway_url(self) -> str:
        return f"ws://{self.address}/gateway"

    async def call(self, method: str, path: str, body: Any = None, **query: Any) -> tuple[int, Any]:
        url, data = f"{self.url}/sandbox{path}", None if body is None else json.dumps(body)
        async with self.http.request(method, url, data=data, params=query) as answer:
            return answer.status, await answer.json()

    async def post(self, path: str, **body: Any) -> Any:
        status, result = await self.call("POST", path, body)
        assert status == 200, result
        return result

    async def get(self, path: str, **query: Any) -> Any:
        status, result = await self.call("GET", path, **query)
        assert status == 200, result
        return result

    async def refused(self, method: str, path: str, body: Any = None, **query: Any) -> str:
        """Return the sentence with which a call is refused."""
        status, result = await self.call(method, path, body, **query)
        assert status >= 400, result
        sentence: str = result["error"]
        return sentence


@asynccontextmanager
async def running_sandbox(**changes: Any) -> AsyncIterator[RunningSandbox]:
    """Run a sandbox with changed settings: any free port, no pacing of IDENTIFYs unless asked for."""
    settings = replace(SandboxSettings(port=0, identify_window=0.0), **changes)
    sandbox = Sandbox(settings)
    async with sandbox.running() as address, aiohttp.ClientSession() as http:
        yield RunningSandbox(sandbox, address, http)


async def rest(sandbox: RunningSandbox, method: str, path: str, body: Any = None) -> tuple[int, Any]:
    """Call the REST API as the bot; returns the status and the JSON body."""
    url, headers = f"{sandbox.url}/api/v10{path}", {"Authorization": f"Bot {sandbox.token}"}
    async with sandbox.http.request(method, url, json=body, headers=headers) as answer:
        return answer.status, await answer.json() if answer.status != 204 else None


async def rest_ok(sandbox: RunningSandbox, method: str, path: str, body: Any = None) -> Any:
    """Call the REST API as the bot and return the JSON body of a success."""
    status, answer = await rest(sandbox, method, path, body)
    assert status < 300, answer
    return answer
