"""Forgets saved gateway sessions: a new sandbox knows none, so a RESUME would only delay the IDENTIFY."""

from __future__ import annotations

import asyncio

from nescord_core.config import Config
from nescord_core.supervisor.supervisor import Supervisor

__all__ = ["forget_sessions", "forget_sessions_once_ws_is_down"]

CHECK_INTERVAL = 0.02


async def forget_sessions(settings: Config) -> None:
    """Remove the sessions of the sandbox's bot from state_dir."""
    from nescord_core.gateway.session_store import DiskSessionStore

    async with DiskSessionStore(settings.state_dir, settings.require_token()) as sessions:
        await sessions.forget()


async def forget_sessions_once_ws_is_down(settings: Config, supervisor: Supervisor) -> None:
    """Wait until ws, which stores its sessions at the end, has exited; it starts last again."""
    while any(view.name == "ws" and view.pid is not None for view in supervisor.views()):  # noqa: ASYNC110
        await asyncio.sleep(CHECK_INTERVAL)
    await forget_sessions(settings)
