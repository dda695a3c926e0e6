"""Stages and the soundboard.

https://discord.com/developers/docs/resources/stage-instance
"""

from __future__ import annotations

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, refuse, visible_channel

__all__ = ["REFUSALS"]

REFUSALS = Refusals()
STAGE = 13
STAGE_EVENT = 1


@REFUSALS.before("get_stage_instance", "update_stage_instance", "delete_stage_instance")
def _refuse_unknown_stage(call: Call) -> None:
    channel = visible_channel(call)
    if channel is not None and channel.id not in call.world.model.stage_instances:
        raise refuse(10067)


@REFUSALS.before("create_stage_instance")
def _refuse_second_stage(call: Call) -> None:
    channel = visible_channel(call, int(call.form["channel_id"]))
    if channel is None:
        return
    if channel.id in call.world.model.stage_instances:
        raise refuse(150006)
    event_id, guild = (
        call.form.get("guild_scheduled_event_id"),
        call.world.model.guilds.get(channel.guild_id or 0),
    )
    event = None if event_id is None or guild is None else guild.scheduled_events.get(int(event_id))
    if event is not None and event.entity_type != STAGE_EVENT:
        raise refuse(50091)


@REFUSALS.before("send_soundboard_sound")
def _refuse_effect(call: Call) -> None:
    channel = visible_channel(call)
    guild = None if channel is None else call.world.model.guilds.get(channel.guild_id or 0)
    state = None if guild is None else guild.voice_states.get(call.world.application_id)
    if state is not None and (state.mute or state.deaf or state.self_deaf or state.suppress):
        raise refuse(50167)


@REFUSALS.before("get_self_voice_state", "get_voice_state")
def _refuse_unknown_voice_state(call: Call) -> None:
    user_id = int(call.args.get("user_id") or call.world.application_id)
    if user_id not in call.guild.voice_states:
        raise refuse(10065)
