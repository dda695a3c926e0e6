"""The state of features that the model does not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["ExtraState", "Grant", "Lobby"]

Payload = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Grant:
    """The user, scopes and expiry of an OAuth2 token."""

    user_id: int
    scopes: frozenset[str]
    expires_at: str


@dataclass(slots=True)
class Lobby:
    """A lobby of the application. Members and messages are by id, as the API shows them."""

    id: int
    metadata: dict[str, str]
    secret: str | None = None
    flags: int = 0
    linked_channel_id: int | None = None
    webhook_url: str | None = None
    members: dict[int, Payload] = field(default_factory=dict)
    messages: dict[int, Payload] = field(default_factory=dict)


@dataclass(slots=True)
class ExtraState:
    """Payloads as the API shows them, by guild id unless noted."""

    welcome_screens: dict[int, Payload] = field(default_factory=dict)
    onboarding: dict[int, Payload] = field(default_factory=dict)
    widgets: dict[int, Payload] = field(default_factory=dict)
    incident_actions: dict[int, Payload] = field(default_factory=dict)
    guild_templates: dict[str, Payload] = field(default_factory=dict)
    soundboard_sounds: dict[int, dict[int, Payload]] = field(default_factory=dict)
    voice_channel_status: dict[int, str] = field(default_factory=dict)
    role_connections: list[Payload] = field(default_factory=list)
    application: Payload = field(default_factory=dict)
    oauth_grants: dict[str, Grant] = field(default_factory=dict)
    """By OAuth2 token."""
    connections: dict[int, list[Payload]] = field(default_factory=dict)
    """By user."""
    user_role_connections: dict[int, Payload] = field(default_factory=dict)
    """By user."""
    presences: dict[int, Payload] = field(default_factory=dict)
    """By user."""
    unavailable_guilds: set[int] = field(default_factory=set)
    """Ids of the guilds that are unavailable (an outage)."""
    lobbies: dict[int, Lobby] = field(default_factory=dict)
    activity_instances: dict[str, Payload] = field(default_factory=dict)
    """By instance id."""
    join_requests: dict[int, dict[int, Payload]] = field(default_factory=dict)
    """By guild id and request id."""
    subscriptions: dict[int, Payload] = field(default_factory=dict)
    event_exceptions: dict[int, dict[int, Payload]] = field(default_factory=dict)
    """By scheduled event id and exception id."""
    invite_targets: dict[str, list[int]] = field(default_factory=dict)
    """By invite code."""
    provisional_accounts: dict[str, int] = field(default_factory=dict)
    """User ids by external user id."""
    moderation_metadata: dict[int, Payload] = field(default_factory=dict)
    """By message id."""
    nonces: dict[tuple[int, str], int] = field(default_factory=dict)
    """Message ids by (channel, nonce), for messages sent with ``enforce_nonce``."""
    command_creates: dict[int | None, tuple[str, int]] = field(default_factory=dict)
    """The day and the number of commands created on it, by guild id; None for global commands."""
