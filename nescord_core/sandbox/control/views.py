"""What the control API shows of the world and of the gateway."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from nescord_core.events import Intents
from nescord_core.sandbox.faults import CONNECTION_FAULTS
from nescord_core.sandbox.gateway.connection import GatewayConnection
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.gateway.sessions import GatewayLimits, Session
from nescord_core.sandbox.world.lookup import ActionError
from nescord_core.sandbox.world.world import World

__all__ = [
    "commands_view",
    "connection_fault",
    "gateway_view",
    "limits_changed",
    "limits_view",
    "state_view",
    "with_reaction_users",
]

CLOSE_CODES = frozenset({*range(1000, 1015), *range(3000, 5000)} - {1004, 1005, 1006})
"""What a close frame may carry (RFC 6455, section 7.4)."""
CHANGEABLE = tuple(name for name in GatewayLimits.__dataclass_fields__ if name != "token")


def state_view(world: World, *, guild: str | None, limit: int, tail: int) -> dict[str, Any]:
    """Return who and what there is: up to ``limit`` guilds, ``tail`` messages of every channel."""
    ids = world.guild_ids()
    chosen = [world.find_guild(guild).id] if guild else ids[:limit]
    guilds = [_guild(world, each, tail) for each in chosen]
    direct = [each for each in world.channels() if each["type"] == 1]
    return {
        "bot": world.bot_user,
        "application_id": str(world.application_id),
        "guild_count": len(ids),
        "guilds": guilds,
        "direct": [_channel(world, each, tail) for each in direct],
        "users": world.users(),
    }


def _guild(world: World, guild_id: int, tail: int) -> dict[str, Any]:
    guild = world.guild_create(guild_id)
    return {
        "id": guild["id"],
        "name": guild["name"],
        "icon": guild.get("icon"),
        "available": world.is_available(guild_id),
        "emojis": guild.get("emojis", []),
        "owner_id": guild.get("owner_id"),
        "roles": guild.get("roles", []),
        "members": [
            {
                "user": each["user"],
                "nick": each.get("nick"),
                "roles": each["roles"],
                "presence": world.presence(int(each["user"]["id"]), guild_id),
            }
            for each in guild["members"]
        ],
        "channels": [_channel(world, each, tail) for each in (*guild["channels"], *guild.get("threads", ()))],
        "voice_states": guild.get("voice_states", []),
    }


def _channel(world: World, channel: dict[str, Any], tail: int) -> dict[str, Any]:
    shown = {
        key: channel[key]
        for key in ("id", "name", "type", "topic", "parent_id", "position", "recipients", "thread_metadata")
        if channel.get(key) is not None
    }
    return {**shown, "messages": world.messages(channel["id"], limit=tail) if tail else []}


def commands_view(world: World, guild: str | None) -> list[dict[str, Any]]:
    """Return the commands that there are in a guild (or in direct messages), with where they come from."""
    scopes = [None] if guild is None else [None, world.find_guild(guild).id]
    commands = world.simulation.commands
    return [dict(command) for scope in scopes for command in commands.get(scope, {}).values()]


def with_reaction_users(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message whose reactions name their users, which Discord tells only when it is asked."""
    if not message["reactions"]:
        return message
    stored = world.simulation.messages[int(message["channel_id"])][int(message["id"])]
    users = [[str(user) for user in each.user_ids] for each in stored.reactions if each.user_ids]
    shown = [{**each, "users": who} for each, who in zip(message["reactions"], users, strict=True)]
    return {**message, "reactions": shown}


def gateway_view(gateway: GatewayServer) -> dict[str, Any]:
    """Return connections, sessions and totals since the start."""
    now = gateway.now()
    totals = {name: gateway.totals[name] for name in gateway.TOTALS}
    return {
        "online": gateway.online(),
        "url": gateway.url,
        "totals": totals,
        "closes": {str(code): count for code, count in sorted(gateway.closes.items())},
        "session_start_limit": gateway.session_start_limit(),
        "connections": [_connection(each, now) for each in gateway.connections()],
        "sessions": [_session(each, now) for each in gateway.table.sessions.values()],
    }


def _connection(connection: GatewayConnection, now: float) -> dict[str, Any]:
    session = connection.session
    return {
        "id": connection.rules.id,
        "phase": connection.rules.phase.value,
        "shard": None if session is None else [session.shard_id, session.shard_count],
        "session_id": None if session is None else session.id,
        "age": round(now - connection.opened_at, 3),
        "compress": connection.compress,
        "heartbeats": connection.rules.heartbeats,
        "last_heartbeat_age": round(now - connection.rules.last_heartbeat, 3),
        "received": connection.received,
        "sent": connection.sent,
        "events_sent": connection.events_sent,
        "behind": 0 if session is None else session.seq - connection.cursor,
    }


def _session(session: Session, now: float) -> dict[str, Any]:
    return {
        "id": session.id,
        "shard": [session.shard_id, session.shard_count],
        "intents": session.intents.value,
        "intent_names": _names(session.intents),
        "seq": session.seq,
        "kept": len(session.events),
        "resumes": session.resumes,
        "connection": session.connection,
        "age": round(now - session.began_at, 3),
        "waiting": None if session.connection is not None else round(now - session.detached_at, 3),
        "presence": session.presence,
    }


def _names(intents: Intents) -> list[str]:
    return [name.lower() for name in intents.names]


def limits_view(limits: GatewayLimits) -> dict[str, Any]:
    """Return the settings that can be changed while the sandbox runs."""
    shown = asdict(limits)
    del shown["token"]
    return {**shown, "disallowed_intents": _names(Intents(limits.disallowed_intents))}


def limits_changed(given: dict[str, Any]) -> dict[str, Any]:
    """Check a change of settings; intents may be names. Raises ActionError."""
    changed: dict[str, Any] = {}
    for key, value in given.items():
        if key not in CHANGEABLE:
            raise ActionError(f"There is no setting {key!r} to change; there are {', '.join(CHANGEABLE)}.")
        if key == "disallowed_intents":
            changed[key] = _intents(value)
        else:
            changed[key] = _amount(key, value)
    return changed


def _intents(value: str | int | Iterable[str | int]) -> int:
    try:
        return Intents.parse(value).value
    except (ValueError, TypeError, AttributeError) as error:
        raise ActionError(f"disallowed_intents: {error}") from None


def _amount(key: str, value: object) -> int | float:
    whole = isinstance(getattr(GatewayLimits(""), key), int)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value < 0:
        raise ActionError(f"{key} must be a {'whole ' if whole else ''}number from 0 on, not {value!r}.")
    return value


def connection_fault(given: dict[str, Any]) -> dict[str, Any]:
    """Check what is to happen to open connections: do, code, resumable, shard. Raises ActionError."""
    do = given.get("do")
    if do not in CONNECTION_FAULTS or set(given) - {"do", "code", "resumable", "shard"}:
        listed = ", ".join(CONNECTION_FAULTS)
        raise ActionError(f"connections takes do ({listed}), code, resumable and shard; do was {do!r}.")
    code, resumable, shard = given.get("code", 4000), given.get("resumable", False), given.get("shard")
    if code not in CLOSE_CODES:
        raise ActionError(f"code must be a close code (1000 to 1014, 3000 to 4999), not {code!r}.")
    if not isinstance(resumable, bool) or not isinstance(shard, int | None):
        raise ActionError("resumable is true or false, and shard a number.")
    return {"do": do, "code": code, "resumable": resumable, "shard": shard}
