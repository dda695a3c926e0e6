"""Emoji and stickers of guilds, and the stickers that belong to no guild.

Soundboard sounds are in `voice`, the application's emoji in `applications`.
https://discord.com/developers/docs/resources/sticker
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.images import store_emoji
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Routes, not_found
from nescord_core.sandbox.world.simcord.model import serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
PACK_ID, WAVE_ID = 847_199_849_233_514_549, 749_054_660_769_218_631

ROUTES.answered_by(
    model_answer,
    "list_guild_emojis",
    "get_guild_emoji",
    "update_guild_emoji",
    "delete_guild_emoji",
    "list_guild_stickers",
    "create_guild_sticker",
    "get_guild_sticker",
    "update_guild_sticker",
    "delete_guild_sticker",
)


@ROUTES.answers("create_guild_emoji")
def _create_guild_emoji(call: Call) -> Any:
    emoji = model_answer(call)
    store_emoji(call, emoji)
    return emoji


def _wave_sticker() -> dict[str, Any]:
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


def _sticker_pack() -> dict[str, Any]:
    return {
        "id": str(PACK_ID),
        "sku_id": str(PACK_ID + 1),
        "name": "Wumpus Beyond",
        "description": "Say hello to Wumpus!",
        "stickers": [_wave_sticker()],
    }


@ROUTES.answers("list_sticker_packs")
def _list_sticker_packs(_call: Call) -> Any:
    return {"sticker_packs": [_sticker_pack()]}


@ROUTES.answers("get_sticker_pack")
def _get_sticker_pack(call: Call) -> Any:
    if call.id("pack_id") != PACK_ID:
        raise not_found(10061, "Sticker Pack")
    return _sticker_pack()


@ROUTES.answers("get_sticker")
def _get_sticker(call: Call) -> Any:
    sticker_id = call.id("sticker_id")
    if sticker_id == WAVE_ID:
        return _wave_sticker()
    model = call.world.model
    for guild in model.guilds.values():
        if sticker_id in guild.stickers:
            return serializers.sticker_payload(model, guild.stickers[sticker_id])
    raise not_found(10060, "Sticker")
