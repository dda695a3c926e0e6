"""Views of the world and of the gateway, as the control API returns them."""

from __future__ import annotations

from typing import Any

from nescord_core.events import Intents
from nescord_core.sandbox.gateway.connection import GatewayConnection
from nescord_core.sandbox.gateway.connection_rules import UNDOCUMENTED_INTENTS
from nescord_core.sandbox.gateway.server import GatewayServer
from nescord_core.sandbox.gateway.sessions import Session
from nescord_core.sandbox.world.world import World

__all__ = [
    "commands_view",
    "gateway_view",
    "intent_names",
    "state_view",
    "with_users",
]

CHANNEL_KEYS = (
    *("id", "name", "type", "topic", "parent_id", "position", "recipients", "thread_metadata", "nsfw"),
    *("owner_id", "message_count", "applied_tags", "available_tags", "permission_overwrites"),
    "rate_limit_per_user",
)


def state_view(world: World, *, guild: str | None, limit: int, tail: int) -> dict[str, Any]:
    """Return the world: up to ``limit`` guilds, the newest ``tail`` messages of every channel."""
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
                "timed_out_until": each.get("communication_disabled_until"),
                "presence": world.presence(int(each["user"]["id"]), guild_id),
            }
            for each in guild["members"]
        ],
        "channels": [_channel(world, each, tail) for each in (*guild["channels"], *guild.get("threads", ()))],
        "voice_states": guild.get("voice_states", []),
        "bans": [str(user_id) for user_id in world.model.guilds[guild_id].bans],
    }


def _channel(world: World, channel: dict[str, Any], tail: int) -> dict[str, Any]:
    payload = {key: channel[key] for key in CHANNEL_KEYS if channel.get(key) is not None}
    return {**payload, "messages": world.messages(channel["id"], limit=tail) if tail else []}


def commands_view(world: World, guild: str | None) -> list[dict[str, Any]]:
    """Return the commands of a guild, global ones included; without a guild only the global ones."""
    scopes = [None] if guild is None else [None, world.find_guild(guild).id]
    commands = world.model.commands
    return [dict(command) for scope in scopes for command in commands.get(scope, {}).values()]


def with_users(world: World, message: dict[str, Any]) -> dict[str, Any]:
    """Return a message with the users of each reaction and poll answer, which Discord lists separately."""
    if not message["reactions"] and not message.get("poll"):
        return message
    stored = world.model.messages[int(message["channel_id"])][int(message["id"])]
    users = [[str(user) for user in each.user_ids] for each in stored.reactions if each.user_ids]
    payload = [{**each, "users": who} for each, who in zip(message["reactions"], users, strict=True)]
    shown = {**message, "reactions": payload}
    if stored.poll is not None:
        votes = {str(answer): sorted(map(str, who)) for answer, who in stored.poll.votes.items()}
        shown["poll"] = {**message["poll"], "voters": votes}
    return shown


def gateway_view(gateway: GatewayServer) -> dict[str, Any]:
    """Return the gateway's connections, sessions, and totals since the start."""
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
        "intent_names": intent_names(session.intents),
        "undocumented_intents": intent_names(session.intents & UNDOCUMENTED_INTENTS),
        "seq": session.seq,
        "kept": len(session.events),
        "resumes": session.resumes,
        "connection": session.connection,
        "age": round(now - session.began_at, 3),
        "waiting": None if session.connection is not None else round(now - session.detached_at, 3),
        "presence": session.presence,
    }


def intent_names(intents: Intents) -> list[str]:
    """Return the names of intents, in lower case."""
    return [name.lower() for name in intents.names]
