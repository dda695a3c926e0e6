"""Directs the calls of replayed events to a sandbox, so that none reaches the real Discord."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp

from nescord_core.config import Config
from nescord_core.errors import NescordError, NotRunning, TransportError
from nescord_core.process.os_errors import reason_of
from nescord_core.services import rest, sandbox, service_process
from nescord_core.services.control import control_socket
from nescord_core.settings import SANDBOX_TOKEN, RestSettings, SandboxSettings

__all__ = ["ReplayTarget", "replay_target"]

_TIMEOUT = aiohttp.ClientTimeout(total=10)


@dataclass(frozen=True)
class ReplayTarget:
    """A sandbox: ``page`` is its address, ``guilds`` are its guilds with their channels.

    ``rest_url`` receives the calls; empty if the bot's own rest already uses a sandbox.
    """

    rest_url: str
    page: str
    guilds: Mapping[str, Sequence[str]]


@asynccontextmanager
async def replay_target(config: Config) -> AsyncIterator[ReplayTarget]:
    """Use the sandbox of `nescord dev`, or start one with a REST proxy for the duration of the block."""
    page = await _sandbox_of_dev(config)
    if page:
        yield ReplayTarget("", page, await _guilds(page))
        return
    with service_process.one_error(), tempfile.TemporaryDirectory(prefix="nescord-replay-") as scratch:
        async with asyncio.TaskGroup() as tasks:
            stop = asyncio.Event()
            try:
                token = config.token or SANDBOX_TOKEN
                local = SandboxSettings(token=token, port=0, state_dir=Path(scratch) / "sandbox")
                page = f"http://{await _started(tasks, sandbox.serve, local, stop)}/"
                proxy = RestSettings(
                    token=token, api_url=f"{page}api/v10", port=0, state_dir=Path(scratch) / "rest"
                )
                address = await _started(tasks, rest.serve, proxy, stop)
                yield ReplayTarget(f"http://{address}", page, await _guilds(page))
            finally:
                stop.set()


async def _sandbox_of_dev(config: Config) -> str:
    """Return the address of its sandbox: only `nescord dev` guarantees that rest uses the sandbox."""
    try:
        services = await control_socket.status(config.state_dir)
    except (NotRunning, TransportError):
        return ""
    local = services.get("sandbox")
    return f"http://{local['address']}/" if local and local["state"] == "ready" else ""


async def _started(tasks: asyncio.TaskGroup, serve: Any, settings: Any, stop: asyncio.Event) -> str:
    """Start a service in this process and return its address."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    task = tasks.create_task(serve(settings, stop=stop, on_ready=ready.set_result))
    task.add_done_callback(lambda _: ready.cancel())
    return await ready


async def _guilds(page: str) -> Mapping[str, Sequence[str]]:
    try:
        async with (
            aiohttp.ClientSession(timeout=_TIMEOUT) as session,
            session.get(f"{page}sandbox/state") as answer,
        ):
            state = await answer.json()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise NescordError(f"the sandbox at {page} does not answer ({reason_of(error)}).") from None
    return {
        str(guild["id"]): [str(channel["id"]) for channel in guild["channels"] if channel.get("type") == 0]
        for guild in state["guilds"]
    }
