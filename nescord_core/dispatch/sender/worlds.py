"""Tells which world of the sandbox a session belongs to. Pure.

A sandbox without a stored world makes a new one when it starts, and puts its name into its session ids.
Events of a former world concern guilds and messages that exist no more. Discord's own session ids name none.
"""

from __future__ import annotations

__all__ = ["is_of_former_world", "world_of"]

_PREFIX = "sandbox-"


def world_of(session_id: str) -> str:
    """Return the world of a session; "" for Discord's."""
    if not session_id.startswith(_PREFIX):
        return ""
    return session_id.removeprefix(_PREFIX).partition("-")[0]


def is_of_former_world(session_id: str, world: str) -> bool:
    """Return whether a session is of another world than the present one."""
    return bool(world) and world_of(session_id) not in {"", world}
