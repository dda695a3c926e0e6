"""Voice: states, regions, stage instances, the soundboard, voice channel statuses.

https://discord.com/developers/docs/resources/voice
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Response, Routes, not_found

__all__ = ["ROUTES"]

ROUTES = Routes()
Payload = dict[str, Any]

ROUTES.answered_by(
    model_answer,
    "get_self_voice_state",
    "update_self_voice_state",
    "get_voice_state",
    "update_voice_state",
    "create_stage_instance",
    "get_stage_instance",
    "update_stage_instance",
    "delete_stage_instance",
)


@ROUTES.answers("list_guild_voice_regions", "list_voice_regions")
def _list_voice_regions(_call: Call) -> Any:
    names = ("rotterdam", "singapore", "us-east", "us-west")
    return [
        {"id": each, "name": each.title(), "custom": False, "deprecated": False, "optimal": each == names[0]}
        for each in names
    ]


@ROUTES.answers("update_voice_channel_status")
def _update_voice_channel_status(call: Call) -> Any:
    call.require_channel_permissions("connect")
    model = call.world.model
    channel = model.get_channel(call.id("channel_id"))
    status = call.form.get("status") or ""
    call.world.extra_state.voice_channel_status[channel.id] = status
    payload = {"id": str(channel.id), "guild_id": str(channel.guild_id), "status": status or None}
    model.emit("VOICE_CHANNEL_STATUS_UPDATE", payload)


# The soundboard


def _guild_sounds(call: Call) -> dict[int, Payload]:
    return call.world.extra_state.soundboard_sounds.setdefault(call.guild.id, {})


def _find_sound(call: Call) -> Payload:
    sound = _guild_sounds(call).get(call.id("sound_id"))
    if sound is None:
        raise not_found(10097, "Soundboard Sound")
    return sound


@ROUTES.answers("list_guild_soundboard_sounds")
def _list_guild_soundboard_sounds(call: Call) -> Any:
    return {"items": list(_guild_sounds(call).values())}


@ROUTES.answers("get_guild_soundboard_sound")
def _get_guild_soundboard_sound(call: Call) -> Any:
    return _find_sound(call)


@ROUTES.answers("create_guild_soundboard_sound")
def _create_guild_soundboard_sound(call: Call) -> Any:
    call.require_permissions("create_expressions")
    model, form = call.world.model, call.form
    volume = form.get("volume")
    sound: Payload = {
        "name": form["name"],
        "sound_id": str(model.snowflake()),
        "volume": 1.0 if volume is None else volume,
        "emoji_id": form.get("emoji_id"),
        "emoji_name": form.get("emoji_name"),
        "guild_id": str(call.guild.id),
        "available": True,
        "user": call.world.bot_user,
    }
    _guild_sounds(call)[int(sound["sound_id"])] = sound
    model.emit("GUILD_SOUNDBOARD_SOUND_CREATE", sound)
    return Response(201, sound)


@ROUTES.answers("update_guild_soundboard_sound")
def _update_guild_soundboard_sound(call: Call) -> Any:
    call.require_permissions("manage_expressions")
    sound = _find_sound(call)
    sound.update({key: value for key, value in call.form.items() if key in sound and value is not None})
    call.world.model.emit("GUILD_SOUNDBOARD_SOUND_UPDATE", dict(sound))
    return sound


@ROUTES.answers("delete_guild_soundboard_sound")
def _delete_guild_soundboard_sound(call: Call) -> Any:
    call.require_permissions("manage_expressions")
    sound = _guild_sounds(call).pop(int(_find_sound(call)["sound_id"]))
    deleted = {"sound_id": sound["sound_id"], "guild_id": sound["guild_id"]}
    call.world.model.emit("GUILD_SOUNDBOARD_SOUND_DELETE", deleted)


@ROUTES.answers("get_soundboard_default_sounds")
def _get_soundboard_default_sounds(_call: Call) -> Any:
    sounds = (("1", "quack", "🦆"), ("2", "airhorn", "🔊"), ("3", "cricket", "🦗"))
    return [
        {
            "name": name,
            "sound_id": sound_id,
            "volume": 1.0,
            "emoji_id": None,
            "emoji_name": emoji,
            "available": True,
        }
        for sound_id, name, emoji in sounds
    ]


@ROUTES.answers("send_soundboard_sound")
def _send_soundboard_sound(call: Call) -> Any:
    call.require_channel_permissions("connect", "speak")
    model = call.world.model
    channel = model.get_channel(call.id("channel_id"))
    effect = {
        "channel_id": str(channel.id),
        "guild_id": str(channel.guild_id),
        "user_id": str(model.bot_user.id),
        "sound_id": str(call.form["sound_id"]),
        "sound_volume": 1.0,
    }
    model.emit("VOICE_CHANNEL_EFFECT_SEND", effect)
