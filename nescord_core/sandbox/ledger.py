"""State of the features that the model of Discord does not have."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

__all__ = ["Ledger"]

Payload = dict[str, Any]


@dataclass(slots=True)
class Ledger:
    """Payloads by guild id, template code or nonce, as the API shows them."""

    welcome_screens: dict[int, Payload] = field(default_factory=dict)
    onboarding: dict[int, Payload] = field(default_factory=dict)
    widgets: dict[int, Payload] = field(default_factory=dict)
    incidents: dict[int, Payload] = field(default_factory=dict)
    templates: dict[str, Payload] = field(default_factory=dict)
    sounds: dict[int, dict[int, Payload]] = field(default_factory=dict)
    voice_status: dict[int, str] = field(default_factory=dict)
    role_connections: list[Payload] = field(default_factory=list)
    application: Payload = field(default_factory=dict)
    nonces: dict[tuple[int, str], int] = field(default_factory=dict)
    """(channel, nonce) of messages sent with enforce_nonce: the message's id."""
