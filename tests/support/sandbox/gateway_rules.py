"""The rules of the sandbox's gateway, and the payloads that a client sends to them."""

from __future__ import annotations

import itertools
import json
from typing import Any

from nescord_core.sandbox.gateway.connection_rules import ConnectionRules, Effect, SessionStarted
from nescord_core.sandbox.gateway.protocol import Close
from nescord_core.sandbox.gateway.sessions import GatewayLimits, SessionTable

TOKEN = "a-token"
PROPERTIES = {"os": "linux", "browser": "x", "device": "x"}


def table(**limits: Any) -> SessionTable:
    numbers = itertools.count(1)
    return SessionTable(GatewayLimits(TOKEN, **limits), new_id=lambda: f"session-{next(numbers)}")


def connection(
    of: SessionTable, number: int = 1, *, now: float = 0.0, guilds: tuple[int, ...] = ()
) -> ConnectionRules:
    return ConnectionRules(of, connection_id=number, now=now, guild_ids=lambda: guilds)


def frame(op: int, d: Any = None) -> bytes:
    return json.dumps({"op": op, "d": d}).encode()


def identify(**changes: Any) -> bytes:
    d = {"token": TOKEN, "properties": PROPERTIES, "intents": 513, **changes}
    return frame(2, {key: value for key, value in d.items() if value is not ...})


def resume(session_id: str, seq: int, token: str = TOKEN) -> bytes:
    return frame(6, {"token": token, "session_id": session_id, "seq": seq})


def close_code(effects: tuple[Effect, ...]) -> int:
    (only,) = effects
    assert isinstance(only, Close)
    return only.code


def begun(conn: ConnectionRules, now: float = 0.0, **changes: Any) -> SessionStarted:
    (only,) = conn.on_payload(identify(**changes), now)
    assert isinstance(only, SessionStarted)
    return only
