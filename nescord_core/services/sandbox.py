"""The sandbox service: REST, gateway, page, control API and health on one socket."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from nescord_core.bot.libraries.installed import require_discordpy
from nescord_core.errors import NescordError
from nescord_core.process import state_dir
from nescord_core.services.control.running_services import announce, read_all
from nescord_core.services.control.sandbox_world import call_sandbox
from nescord_core.services.recording.page_trace import PageTrace
from nescord_core.settings import SandboxSettings

if TYPE_CHECKING:
    from nescord_core.sandbox.server import Sandbox

__all__ = ["exported", "load", "routes", "serve"]


def load() -> type[Sandbox]:
    """Import the sandbox, whose model imports discord.py.

    Call it before logging is configured: discord.py warns of what only voice needs when it is imported.

    Raises:
        ConfigError: discord.py is missing or does not work here.

    """
    require_discordpy("the sandbox")
    from nescord_core.sandbox.server import Sandbox

    return Sandbox


async def serve(settings: SandboxSettings, *, stop: asyncio.Event, on_ready: Callable[[str], None]) -> None:
    """Run a sandbox until ``stop`` is set. ``on_ready`` receives host:port once it accepts requests.

    Raises:
        ConfigError: discord.py is missing or does not work here, the address is not on loopback, or state_dir
            is not writable.
        PortTaken: another process has the port.

    """
    sandbox = load()
    state_dir.prepare(settings.state_dir)
    local = sandbox(settings)
    trace = PageTrace(local.feed, settings.state_dir)
    async with local.running() as address:
        local.control.on_replay = trace.replay
        with announce(settings.state_dir, "sandbox", address=address, admin=address):
            on_ready(address)
            async with asyncio.TaskGroup() as tasks:
                tracing = tasks.create_task(trace.run())
                await stop.wait()
                tracing.cancel()


def exported(settings: SandboxSettings) -> str:
    """Return the world as a seed file: the running sandbox's, or else the stored one.

    Raises:
        NescordError: there is neither.

    """
    if (running := read_all(settings.state_dir).get("sandbox")) is not None:
        return str(call_sandbox(running, "GET", "/export")["toml"])
    require_discordpy("the sandbox")
    from nescord_core.sandbox.seeds.export import export
    from nescord_core.sandbox.storage.world_files import WorldFiles
    from nescord_core.sandbox.world.world import World

    world = World(settings)
    if WorldFiles(settings.state_dir).load(world) is None:
        raise NescordError(
            "no sandbox is running, and no world is stored.",
            hint="`nescord dev` stores its world, and so does a sandbox with sandbox.persist = true.",
        )
    return export(world)


def routes() -> Iterable[tuple[str, str, str]]:
    """Return (method, path, ``done`` | ``partly`` | ``missing``) of every operation of Discord's API."""
    require_discordpy("the sandbox")
    from nescord_core.sandbox.http.router import routes_table

    return routes_table()
