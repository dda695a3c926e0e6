"""Faults of open gateway connections: a TCP reset, a close frame, opcode 7, opcode 9."""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.faults import CONNECTION_FAULTS
from nescord_core.sandbox.gateway.protocol import Close, Op
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.world.lookup import ActionError

__all__ = ["apply_connection_fault"]

CLOSE_CODES = frozenset({*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006})
"""The codes that a close frame may have (RFC 6455, section 7.4)."""


def apply_connection_fault(gateway: GatewayServer, body: dict[str, Any]) -> int:
    """Apply ``{do, code?, resumable?, shard?}``; returns the number of connections. Raises ActionError."""
    fault = _parse(body)
    connections = gateway.connections(fault["shard"])
    for connection in connections:
        match fault["do"]:
            case "reset":
                connection.reset()
            case "close":
                connection.close(Close(fault["code"], "Closed by a fault."))
            case "reconnect":
                connection.push(Op.RECONNECT, None)
            case _:
                connection.apply(connection.rules.invalidate(fault["resumable"]))
    return len(connections)


def _parse(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fault with its defaults filled in. Raises ActionError."""
    do = body.get("do")
    if do not in CONNECTION_FAULTS or set(body) - {"do", "code", "resumable", "shard"}:
        listed = ", ".join(CONNECTION_FAULTS)
        raise ActionError(f"connections takes do ({listed}), code, resumable and shard; do is {do!r}.")
    code, resumable, shard = body.get("code", 4000), body.get("resumable", False), body.get("shard")
    if code not in CLOSE_CODES:
        raise ActionError(f"code must be a close code (1000 to 1014, 3000 to 4999), not {code!r}.")
    if not isinstance(resumable, bool) or not isinstance(shard, int | None):
        raise ActionError("resumable must be true or false, and shard a number.")
    return {"do": do, "code": code, "resumable": resumable, "shard": shard}
