"""Guilds: roles, expressions, scheduled events, templates, the welcome screen, onboarding.

The limits are those of a guild without boosts
(https://discord.com/developers/docs/resources/guild#guild-object-premium-tier).
"""

from __future__ import annotations

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, refuse
from nescord_core.sandbox.world.simcord.model import BackendError

__all__ = ["REFUSALS"]

REFUSALS = Refusals()
MAX_ROLES = 250
MAX_EMOJIS = 50
MAX_STICKERS = 5
MAX_SOUNDS = 8
MAX_EVENTS = 100
SCHEDULED, ACTIVE = 1, 2
FINISHED = frozenset({3, 4})
"""States of a scheduled event: completed, cancelled."""
SOUND_TYPES = ("data:audio/mpeg", "data:audio/mp3", "data:audio/ogg")
ONBOARDING_CHANNELS, ONBOARDING_OPEN_CHANNELS = 7, 5
"""Default channels that onboarding needs, and how many of them everyone can write in
(https://discord.com/developers/docs/resources/guild#modify-guild-onboarding)."""


@REFUSALS.before("create_guild_role")
def _refuse_too_many_roles(call: Call) -> None:
    if len(call.guild.roles) >= MAX_ROLES:
        raise refuse(30005)


@REFUSALS.before("delete_guild_role", "add_guild_member_role", "delete_guild_member_role")
def _refuse_everyone(call: Call) -> None:
    if call.id("role_id") == call.guild.id:
        raise refuse(50028)


# Expressions


@REFUSALS.before("create_guild_emoji")
def _refuse_too_many_emojis(call: Call) -> None:
    """Count animated emoji apart, as Discord does; an image of type GIF makes one."""
    animated = str(call.form.get("image", "")).startswith("data:image/gif")
    same = sum(bool(each.animated) == animated for each in call.guild.emojis.values())
    if same >= MAX_EMOJIS:
        raise refuse(30018 if animated else 30008)


@REFUSALS.before("create_guild_sticker")
def _refuse_too_many_stickers(call: Call) -> None:
    if len(call.guild.stickers) >= MAX_STICKERS:
        raise refuse(30039)


@REFUSALS.before("create_guild_soundboard_sound")
def _refuse_sound(call: Call) -> None:
    if len(call.world.extra_state.soundboard_sounds.get(call.guild.id, {})) >= MAX_SOUNDS:
        raise refuse(30045)
    if not str(call.form.get("sound", "")).startswith(SOUND_TYPES):
        raise refuse(50123)


# Scheduled events


@REFUSALS.before("create_guild_scheduled_event")
def _refuse_too_many_events(call: Call) -> None:
    uncompleted = (each.status in (SCHEDULED, ACTIVE) for each in call.guild.scheduled_events.values())
    if sum(uncompleted) >= MAX_EVENTS:
        raise refuse(30038)


@REFUSALS.before("update_guild_scheduled_event")
def _refuse_finished_event(call: Call) -> None:
    event = call.guild.scheduled_events.get(call.id("guild_scheduled_event_id"))
    if event is not None and event.status in FINISHED:
        raise refuse(180000)


# Templates, welcome screen, onboarding


@REFUSALS.before("create_guild_template")
def _refuse_second_template(call: Call) -> None:
    templates = call.world.extra_state.guild_templates.values()
    if any(each["source_guild_id"] == str(call.guild.id) for each in templates):
        raise refuse(30031)


@REFUSALS.before("get_guild_welcome_screen")
def _refuse_missing_welcome_screen(call: Call) -> None:
    if not call.world.extra_state.welcome_screens.get(call.guild.id):
        raise refuse(10069)


@REFUSALS.before("put_guilds_onboarding")
def _refuse_onboarding(call: Call) -> None:
    stored = call.world.extra_state.onboarding.get(call.guild.id, {})
    enabled = call.form.get("enabled")
    if not (stored.get("enabled") if enabled is None else enabled):
        return
    ids = call.form.get("default_channel_ids")
    channels = [int(each) for each in (stored.get("default_channel_ids") or () if ids is None else ids)]
    open_channels = sum(_everyone_can_write(call, each) for each in set(channels))
    if len(set(channels)) < ONBOARDING_CHANNELS or open_channels < ONBOARDING_OPEN_CHANNELS:
        raise refuse(350001 if stored.get("enabled") else 350000)


def _everyone_can_write(call: Call, channel_id: int) -> bool:
    """Return whether a new member, who has no roles, can write in a channel."""
    model = call.world.model
    newcomer = next((each for each in call.guild.members.values() if not each.role_ids), None)
    if newcomer is None or channel_id not in model.channels:
        return False
    try:
        model.require_permissions(call.guild.id, newcomer.user_id, channel_id, "send_messages")
    except BackendError:
        return False
    return True
