"""Asks a running sandbox for the names of its guilds and channels."""

from __future__ import annotations

from pathlib import Path

import aiohttp

from nescord_core.services.control import running_services
from nescord_core.tracing.names import Names

__all__ = ["learn_names", "sandbox_of"]

TIMEOUT = aiohttp.ClientTimeout(total=2.0)


def sandbox_of(state_dir: Path) -> str:
    """Return the address of the sandbox that runs with this state_dir; empty without one."""
    found = running_services.read_all(state_dir).get("sandbox")
    return f"http://{found.address}/" if found is not None and found.address else ""


async def learn_names(names: Names, sandbox: str) -> None:
    """Teach ``names`` what the sandbox has; without an answer nothing is learned."""
    if not sandbox:
        return
    try:
        async with (
            aiohttp.ClientSession(timeout=TIMEOUT) as session,
            session.get(f"{sandbox}sandbox/state?limit=100&tail=0") as answer,
        ):
            world = await answer.json()
        for guild in world["guilds"]:
            names.learn_guild(guild)
    except (aiohttp.ClientError, TimeoutError, ValueError, LookupError, TypeError):
        return
