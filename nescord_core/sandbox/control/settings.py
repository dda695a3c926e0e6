"""The gateway's settings that can be changed while the sandbox runs.

https://discord.com/developers/docs/events/gateway
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from nescord_core.events import Intents
from nescord_core.sandbox.control.views import intent_names
from nescord_core.sandbox.gateway.sessions import GatewayLimits
from nescord_core.sandbox.world.lookup import ActionError

__all__ = ["parse_settings", "settings_view"]

SETTINGS = tuple(name for name in GatewayLimits.__dataclass_fields__ if name != "token")


def settings_view(limits: GatewayLimits) -> dict[str, Any]:
    """Return the settings that can be changed while the sandbox runs."""
    payload = asdict(limits)
    del payload["token"]
    return {**payload, "disallowed_intents": intent_names(Intents(limits.disallowed_intents))}


def parse_settings(body: dict[str, Any]) -> dict[str, Any]:
    """Return changed settings in their types; intents may be names or numbers. Raises ActionError."""
    changed: dict[str, Any] = {}
    for key, value in body.items():
        if key not in SETTINGS:
            raise ActionError(f"There is no setting {key!r}. Known: {', '.join(SETTINGS)}.")
        if key == "disallowed_intents":
            changed[key] = _parse_intents(value)
        else:
            changed[key] = _parse_number(key, value)
    return changed


def _parse_intents(value: str | int | Iterable[str | int]) -> int:
    try:
        return Intents.parse(value).value
    except (ValueError, TypeError, AttributeError) as error:
        raise ActionError(f"disallowed_intents: {error}") from None


def _parse_number(key: str, value: object) -> int | float | None:
    default = getattr(GatewayLimits(""), key)
    if value is None and default is None:
        return None
    whole = isinstance(default, int | None)
    if isinstance(value, bool) or not isinstance(value, int if whole else int | float) or value < 0:
        raise ActionError(f"{key} must be a {'whole ' if whole else ''}number, at least 0, not {value!r}.")
    return value
