"""Faults of open gateway connections: a TCP reset, a close, opcodes 7 and 9, silence, odd payloads."""

from __future__ import annotations

import re
from typing import Any

from nescord_core.sandbox.faults import CONNECTION_FAULTS
from nescord_core.sandbox.gateway.protocol import Close, Op
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.world.lookup import ActionError

__all__ = ["apply_connection_fault"]

CLOSE_CODES = frozenset({*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006})
"""The codes that a close frame may have (RFC 6455, section 7.4)."""
FIELDS = frozenset({"do", "code", "data", "resumable", "shard", "type"})
EVENT_TYPE = re.compile(r"[A-Z0-9_]{1,100}")


def apply_connection_fault(gateway: GatewayServer, body: dict[str, Any]) -> int:
    """Apply a fault to connections; returns their number. Raises ActionError.

    ``body`` is ``{do, shard?}`` and what the fault takes: ``code`` of a close, ``resumable`` of an invalid
    session, ``type`` and ``data`` of an event (``data`` is the text of ``d``), ``data`` of a frame.
    """
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
            case "silence":
                connection.silence()
            case "event" if connection.session is not None:
                gateway.send_unchecked(connection.session, fault["type"], fault["data"])
            case "frame":
                connection.push_frame(fault["data"])
            case "invalid_session":
                connection.apply(connection.rules.invalidate(fault["resumable"]))
    return len(connections)


def _parse(body: dict[str, Any]) -> dict[str, Any]:
    """Return the fault with its defaults filled in. Raises ActionError."""
    do = body.get("do")
    if not isinstance(do, str) or do not in CONNECTION_FAULTS or set(body) - FIELDS:
        listed = ", ".join(CONNECTION_FAULTS)
        raise ActionError(f"connections takes do ({listed}), {', '.join(sorted(FIELDS))}; do is {do!r}.")
    code, resumable, shard = body.get("code", 4000), body.get("resumable", False), body.get("shard")
    if not isinstance(code, int) or code not in CLOSE_CODES:
        raise ActionError(f"code must be a close code (1000 to 1014, 3000 to 4999), not {code!r}.")
    if not isinstance(resumable, bool) or not isinstance(shard, int | None):
        raise ActionError("resumable must be true or false, and shard a number.")
    event, data = body.get("type", ""), body.get("data", "")
    if not isinstance(event, str) or not isinstance(data, str):
        raise ActionError("type and data must be texts.")
    if do == "event" and not EVENT_TYPE.fullmatch(event):
        raise ActionError(f"type must be the name of an event such as MESSAGE_CREATE, not {event!r}.")
    raw = data.encode("utf-8", "replace")
    return {"do": do, "code": code, "resumable": resumable, "shard": shard, "type": event, "data": raw}
