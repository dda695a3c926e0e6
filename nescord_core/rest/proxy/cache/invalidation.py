"""Maps writes and gateway events to the cached responses that they make outdated.

A response has tags: each prefix of its path from the second segment on (``guilds/2``,
``guilds/2/members``, ...), its own exact path (``=guilds/2``), its first segment (``users``), and its class
(``*channels``: the lists of a guild's channels). Dropping a tag drops every response that has it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

__all__ = ["EVERYTHING", "by_event", "by_write", "is_cacheable", "kind_of", "tags_of"]

EVERYTHING = "*"

CACHEABLE = frozenset(
    {
        "/applications/@me",
        "/channels/:id",
        "/channels/:id/messages",
        "/channels/:id/messages/:id",
        "/channels/:id/messages/pins",
        "/channels/:id/pins",
        "/channels/:id/thread-members",
        "/channels/:id/thread-members/:id",
        "/channels/:id/webhooks",
        "/guilds/:id",
        "/guilds/:id/auto-moderation/rules",
        "/guilds/:id/auto-moderation/rules/:id",
        "/guilds/:id/bans",
        "/guilds/:id/bans/:id",
        "/guilds/:id/channels",
        "/guilds/:id/emojis",
        "/guilds/:id/emojis/:id",
        "/guilds/:id/integrations",
        "/guilds/:id/members",
        "/guilds/:id/members/:id",
        "/guilds/:id/preview",
        "/guilds/:id/roles",
        "/guilds/:id/roles/:id",
        "/guilds/:id/scheduled-events",
        "/guilds/:id/scheduled-events/:id",
        "/guilds/:id/soundboard-sounds",
        "/guilds/:id/soundboard-sounds/:id",
        "/guilds/:id/stickers",
        "/guilds/:id/stickers/:id",
        "/guilds/:id/threads/active",
        "/guilds/:id/voice-states/:id",
        "/guilds/:id/voice-states/@me",
        "/guilds/:id/webhooks",
        "/soundboard-default-sounds",
        "/stage-instances/:id",
        "/sticker-packs",
        "/sticker-packs/:id",
        "/stickers/:id",
        "/users/:id",
        "/users/@me",
        "/users/@me/guilds",
        "/voice/regions",
    }
)
"""Routes of resources whose changes the gateway reports, or that hardly change; others are not cached."""
COUNTS = ("with_counts", "with_user_count")
"""Query parameters that add numbers whose changes no event reports."""

_CLASSES = {
    "/channels/:id": "*channel",
    "/channels/:id/messages": "*messages",
    "/channels/:id/messages/:id": "*messages",
    "/channels/:id/pins": "*messages",
    "/channels/:id/messages/pins": "*messages",
    "/channels/:id/webhooks": "*webhooks",
    "/guilds/:id/webhooks": "*webhooks",
    "/guilds/:id/channels": "*channels",
    "/guilds/:id/threads/active": "*channels",
}

Ids = Mapping[str, str]


def kind_of(template: str) -> str:
    """Return the kind of settings.CACHE_KINDS that a cacheable route belongs to."""
    parts = template.split("/")[1:]
    below = parts[2] if len(parts) > 2 else ""
    match parts[0]:
        case "channels":
            return {"": "channels", "webhooks": "channels", "thread-members": "members"}.get(
                below, "messages"
            )
        case "guilds":
            kinds = {"members": "members", "bans": "members", "voice-states": "members"}
            return (kinds | {"channels": "channels", "threads": "channels"}).get(below, "guilds")
        case "users" | "applications":
            return "users"
        case "stage-instances":
            return "channels"
        case _:
            return "static"


def is_cacheable(template: str, query: str) -> bool:
    """Return whether responses to a GET on this route may be cached."""
    return template in CACHEABLE and not any(name in query for name in COUNTS)


def tags_of(template: str, path: str) -> frozenset[str]:
    """Return the tags of a GET's response, for a path below the API version, without the query."""
    parts = path.strip("/").split("/")
    tags = {EVERYTHING, parts[0], f"={'/'.join(parts)}"}
    tags.update("/".join(parts[:count]) for count in range(2, len(parts) + 1))
    kind = _CLASSES.get(template)
    if kind:
        tags.add(kind)
    return frozenset(tags)


# -- writes ----------------------------------------------------------------------------------------------


def by_write(method: str, path: str) -> frozenset[str]:
    """Return the tags to drop for a request that may change something."""
    parts = path.strip("/").split("/")
    match parts[0]:
        case "channels" if len(parts) > 1:
            return _channel_write(method, parts)
        case "guilds" if len(parts) > 1:
            return _guild_write(method, parts)
        case "webhooks" if len(parts) > 2:
            return frozenset({"*messages", "*channel", "*channels", "*webhooks"})
        case "webhooks":
            return frozenset({"*webhooks"})
        case "interactions":
            return frozenset({"*messages", "*channel", "*channels"})
        case "users":
            return _user_write(parts)
        case root:
            return frozenset({root})


def _channel_write(method: str, parts: list[str]) -> frozenset[str]:
    channel = f"channels/{parts[1]}"
    below = parts[2] if len(parts) > 2 else ""
    if below == "typing":
        return frozenset()
    if below in {"messages", "pins", "polls"}:
        return frozenset({f"{channel}/messages", f"{channel}/pins", f"={channel}", "*channels"})
    if below == "webhooks":
        return frozenset({"*webhooks"})
    tags = {channel, "*channels"}
    if not below:
        # A thread is part of its parent's message; a deleted category changes all its channels.
        tags |= {"*messages", "*channel"} if method == "DELETE" else {"*messages"}
    return frozenset(tags)


def _guild_write(method: str, parts: list[str]) -> frozenset[str]:
    guild = f"guilds/{parts[1]}"
    below = parts[2] if len(parts) > 2 else ""
    match below:
        case "members" if parts[3:4] == ["@me"]:
            # The member's id is unknown here.
            return frozenset({f"{guild}/members", f"{guild}/voice-states"})
        case "members" if len(parts) > 3:
            return frozenset({f"{guild}/members/{parts[3]}", f"={guild}/members", f"{guild}/voice-states"})
        case "emojis" | "stickers":
            return frozenset({f"{guild}/{below}", f"={guild}", f"{guild}/preview", "stickers"})
        case "auto-moderation" | "integrations" | "scheduled-events" | "soundboard-sounds" | "voice-states":
            return frozenset({f"{guild}/{below}"})
        case "channels" | "roles":
            return frozenset({guild, "*channel"})
        case "":
            return frozenset({guild, "users/@me/guilds", *({"*channel"} if method == "DELETE" else ())})
        case _:
            return frozenset({guild})


def _user_write(parts: list[str]) -> frozenset[str]:
    if parts[1:2] == ["@me"] and parts[2:3] == ["channels"]:
        return frozenset()
    if parts[1:3] == ["@me", "guilds"]:
        return frozenset({"users/@me/guilds", *(f"guilds/{guild}" for guild in parts[3:4])})
    return frozenset({EVERYTHING})


# -- gateway events --------------------------------------------------------------------------------------

KINDS = {
    "ALL": "READY",
    "CHANNEL": "CHANNEL_UPDATE",
    "EMOJI": "GUILD_EMOJIS_UPDATE",
    "GUILD": "GUILD_UPDATE",
    "MEMBER": "GUILD_MEMBER_UPDATE",
    "MESSAGE": "MESSAGE_UPDATE",
    "ROLE": "GUILD_ROLE_UPDATE",
    "STICKER": "GUILD_STICKERS_UPDATE",
    "THREAD": "THREAD_UPDATE",
    "USER": "USER_UPDATE",
    "WEBHOOK": "WEBHOOKS_UPDATE",
}
"""Resource names that may be used instead of an event's name."""


def by_event(kind: str, ids: Ids) -> frozenset[str]:
    """Return the tags to drop for a gateway event (or a resource: ``channel``, ``guild``, ``member``...).

    ``ids`` are those of its payload: ``id``, ``guild_id``, ``channel_id``, ``parent_id``, ``user_id``.
    """
    name = kind.upper()
    name = KINDS.get(name, name)
    for prefix, rule in _EVENTS:
        if name.startswith(prefix):
            return frozenset(tag for tag in rule(name, ids) if tag)
    return frozenset(tag for tag in (_guild(ids), _channel(ids)) if tag)


def _guild(ids: Ids, below: str = "") -> str:
    return f"guilds/{ids['guild_id']}{below}" if ids.get("guild_id") else ""


def _channel(ids: Ids, below: str = "", *, name: str = "channel_id") -> str:
    return f"channels/{ids[name]}{below}" if ids.get(name) else ""


def _lists(ids: Ids) -> tuple[str, ...]:
    """Return the tags of the guild's channel lists, or of all lists if the event does not name the guild."""
    return (_guild(ids, "/channels"), _guild(ids, "/threads")) if ids.get("guild_id") else ("*channels",)


def _on_channel(name: str, ids: Ids) -> tuple[str, ...]:
    pins = name == "CHANNEL_PINS_UPDATE"
    own = _channel(ids) if pins else _channel(ids, name="id") or _channel(ids)
    return (own, *_lists(ids), "*channel" if name.endswith("DELETE") else "")


def _on_thread(_: str, ids: Ids) -> tuple[str, ...]:
    own = _channel(ids, name="id") or _channel(ids)
    return (own, _channel(ids, name="parent_id"), *_lists(ids), "*messages")


def _on_message(_: str, ids: Ids) -> tuple[str, ...]:
    channel = _channel(ids)
    if not channel:
        return ("*messages", "*channel", "*channels")
    return (f"{channel}/messages", f"{channel}/pins", f"={channel}", *_lists(ids))


def _on_member(_: str, ids: Ids) -> tuple[str, ...]:
    user = ids.get("user_id", "")
    if not user:
        return (_guild(ids, "/members"), "users")
    return (
        _guild(ids, f"/members/{user}"),
        f"={_guild(ids, '/members')}" if ids.get("guild_id") else "",
        f"users/{user}",
    )


def _on_expressions(_: str, ids: Ids) -> tuple[str, ...]:
    guild = _guild(ids)
    return (f"{guild}/emojis", f"{guild}/stickers", f"={guild}", f"{guild}/preview", "stickers")


def _on_guild(name: str, ids: Ids) -> tuple[str, ...]:
    guild = _guild(ids) or (f"guilds/{ids['id']}" if ids.get("id") else "")
    came_or_went = name in {"GUILD_CREATE", "GUILD_DELETE"}
    return (guild, "users/@me/guilds", *(("*channel", "*messages") if came_or_went else ()))


def _below(path: str) -> Callable[[str, Ids], tuple[str, ...]]:
    return lambda _, ids: (_guild(ids, path),)


def _tags(*tags: str) -> Callable[[str, Ids], tuple[str, ...]]:
    return lambda _, __: tags


_EVENTS: tuple[tuple[str, Callable[[str, Ids], tuple[str, ...]]], ...] = (
    ("READY", _tags(EVERYTHING)),  # a new session: earlier changes may have been missed
    ("MESSAGE_", _on_message),
    ("CHANNEL_", _on_channel),
    ("THREAD_", _on_thread),
    ("GUILD_MEMBER", _on_member),
    ("PRESENCE_UPDATE", _on_member),
    ("GUILD_BAN_", _below("/bans")),
    ("GUILD_EMOJIS", _on_expressions),
    ("GUILD_STICKERS", _on_expressions),
    ("GUILD_SOUNDBOARD", _below("/soundboard-sounds")),
    ("GUILD_SCHEDULED", _below("/scheduled-events")),
    ("GUILD_INTEGRATIONS", _below("/integrations")),
    ("GUILD_AUDIT", _tags()),
    ("GUILD_", _on_guild),
    ("INTEGRATION_", _below("/integrations")),
    ("AUTO_MODERATION_", _below("/auto-moderation")),
    ("WEBHOOKS_", _tags("*webhooks")),
    ("VOICE_STATE_", _below("/voice-states")),
    ("STAGE_INSTANCE_", _tags("stage-instances")),
    ("USER_UPDATE", _tags(EVERYTHING)),
    ("TYPING_", _tags()),
    ("INTERACTION_", _tags()),
)
"""The first match wins. An unknown event drops everything of its guild and channel."""
