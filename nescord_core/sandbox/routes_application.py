"""The gateway's address, the application itself, stickers that belong to no guild."""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.calls import Call, Routes, not_found
from nescord_core.sandbox.simulation import BackendError, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
EDITABLE = frozenset(
    {
        "description",
        "tags",
        "custom_install_url",
        "install_params",
        "interactions_endpoint_url",
        "role_connections_verification_url",
        "integration_types_config",
        "event_webhooks_url",
        "flags",
    }
)
ALL_PRIVILEGED = 1 << 13 | 1 << 15 | 1 << 19
"""Flags of an application under 100 guilds that may use presences, members and message content."""

PACK_ID, WAVE_ID = 847_199_849_233_514_549, 749_054_660_769_218_631


@ROUTES.answers("get_gateway")
def _gateway(call: Call) -> Any:
    assert call.facts is not None
    return {"url": call.facts.url}


@ROUTES.answers("get_bot_gateway")
def _bot_gateway(call: Call) -> Any:
    assert call.facts is not None
    limit = dict(call.facts.session_start_limit())
    return {"url": call.facts.url, "shards": call.facts.shards, "session_start_limit": limit}


def _application(call: Call) -> dict[str, Any]:
    world = call.world.simulation
    owner = next(each for each in world.users.values() if not each.bot)
    return {
        "id": str(world.application_id),
        "name": world.bot_user.name,
        "icon": None,
        "description": "",
        "summary": "",
        "bot_public": True,
        "bot_require_code_grant": False,
        "flags": ALL_PRIVILEGED,
        "flags_new": str(ALL_PRIVILEGED),
        "owner": dict(serializers.user_payload(owner)),
        "team": None,
        "bot": call.world.bot_user,
        "type": None,
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "approximate_guild_count": len(world.guilds),
        **call.world.ledger.application,
    }


def _own(call: Call) -> None:
    if call.id("application_id") != call.world.application_id:
        raise BackendError(403, 20012, "You are not authorized to perform this action on this application")


@ROUTES.answers("get_my_application", "get_my_oauth2_application")
def _mine(call: Call) -> Any:
    return _application(call)


@ROUTES.answers("get_application")
def _get_application(call: Call) -> Any:
    _own(call)
    return _application(call)


@ROUTES.answers("update_my_application", "update_application")
def _update_application(call: Call) -> Any:
    if "application_id" in call.args:
        _own(call)
    changes = {key: value for key, value in call.form.items() if key in EDITABLE and value is not None}
    if isinstance(described := changes.get("description"), dict):
        changes["description"] = described.get("default") or ""
    call.world.ledger.application.update(changes)
    return _application(call)


@ROUTES.answers("get_application_role_connections_metadata", "update_application_role_connections_metadata")
def _role_connections(call: Call) -> Any:
    _own(call)
    if call.operation.method == "PUT":
        call.world.ledger.role_connections = list(call.body or ())
    return call.world.ledger.role_connections


@ROUTES.answers("get_public_keys")
def _public_keys(_call: Call) -> Any:
    return {"keys": []}


def _wave() -> dict[str, Any]:
    return {
        "id": str(WAVE_ID),
        "name": "Wave",
        "tags": "wumpus, hello, sup, hi, oi",
        "type": 1,
        "format_type": 1,
        "description": "Wumpus waves hello",
        "pack_id": str(PACK_ID),
        "sort_value": 12,
    }


def _pack() -> dict[str, Any]:
    return {
        "id": str(PACK_ID),
        "sku_id": str(PACK_ID + 1),
        "name": "Wumpus Beyond",
        "description": "Say hello to Wumpus!",
        "stickers": [_wave()],
    }


@ROUTES.answers("list_sticker_packs")
def _sticker_packs(_call: Call) -> Any:
    return {"sticker_packs": [_pack()]}


@ROUTES.answers("get_sticker_pack")
def _sticker_pack(call: Call) -> Any:
    if call.id("pack_id") != PACK_ID:
        raise not_found(10061, "Sticker Pack")
    return _pack()


@ROUTES.answers("get_sticker")
def _sticker(call: Call) -> Any:
    wanted = call.id("sticker_id")
    if wanted == WAVE_ID:
        return _wave()
    world = call.world.simulation
    for guild in world.guilds.values():
        if wanted in guild.stickers:
            return serializers.sticker_payload(world, guild.stickers[wanted])
    raise not_found(10060, "Sticker")


@ROUTES.answers("get_sku_subscriptions")
def _subscriptions(_call: Call) -> Any:
    return []


@ROUTES.answers("get_sku_subscription")
def _subscription(_call: Call) -> Any:
    raise not_found(10091, "Subscription")
