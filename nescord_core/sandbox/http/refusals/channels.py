"""Channels: direct messages, permission overwrites, webhooks, and limits of guilds.

https://discord.com/developers/docs/resources/channel
"""

from __future__ import annotations

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, refuse, visible_channel
from nescord_core.sandbox.http.refusals.threads import FORUMS
from nescord_core.sandbox.world.extra_fields import extra_fields_of

__all__ = ["REFUSALS"]

REFUSALS = Refusals()
DM, TEXT, CATEGORY, STAGE, ANNOUNCEMENT = 1, 0, 4, 13, 5
MAX_CHANNELS = 500
MAX_OVERWRITES = 1000
MAX_WEBHOOKS = 15
MAX_WEBHOOKS_OF_GUILD = 1000
MAX_INVITES = 1000
MAX_BITRATE, MAX_STAGE_BITRATE = 96_000, 64_000
"""Bits per second in guilds without boosts."""
COMMUNITY_CHANNELS = ("rules_channel_id", "public_updates_channel_id")


@REFUSALS.before(
    "bulk_delete_messages",
    "create_channel_invite",
    "create_thread",
    "create_thread_from_message",
    "create_webhook",
    "delete_all_message_reactions",
    "delete_all_message_reactions_by_emoji",
    "delete_channel_permission_overwrite",
    "delete_user_message_reaction",
    "list_channel_invites",
    "list_channel_webhooks",
    "set_channel_permission_overwrite",
    "update_channel",
)
def _refuse_in_direct_message(call: Call) -> None:
    if (channel := visible_channel(call)) is not None and channel.type == DM:
        raise refuse(50003)


@REFUSALS.before("set_channel_permission_overwrite")
def _refuse_too_many_overwrites(call: Call) -> None:
    channel = visible_channel(call)
    if channel is None or len(channel.overwrites) < MAX_OVERWRITES:
        return
    if call.id("overwrite_id") not in {each.target_id for each in channel.overwrites}:
        raise refuse(30060)


@REFUSALS.before("delete_channel_permission_overwrite")
def _refuse_unknown_overwrite(call: Call) -> None:
    channel = visible_channel(call)
    if channel is not None and call.id("overwrite_id") not in {each.target_id for each in channel.overwrites}:
        raise refuse(10009)


@REFUSALS.before("create_guild_channel")
def _refuse_too_many_channels(call: Call) -> None:
    if len(call.guild.channel_ids) >= MAX_CHANNELS:
        raise refuse(30013)


@REFUSALS.before("bulk_update_guild_channels")
def _refuse_several_parents(call: Call) -> None:
    if sum("parent_id" in each for each in call.body or () if isinstance(each, dict)) > 1:
        raise refuse(40009)


@REFUSALS.before("create_guild_channel", "update_channel")
def _refuse_bitrate(call: Call) -> None:
    channel = visible_channel(call) if "channel_id" in call.args else None
    kind = call.form.get("type") if channel is None else channel.type
    highest = MAX_STAGE_BITRATE if kind == STAGE else MAX_BITRATE
    if int(call.form.get("bitrate") or 0) > highest:
        raise refuse(30052)


@REFUSALS.before("create_webhook", "create_channel_invite")
def _refuse_type_of_channel(call: Call) -> None:
    channel = visible_channel(call)
    if channel is not None and (channel.type == CATEGORY or channel.is_thread):
        raise refuse(50024)


@REFUSALS.before("create_webhook")
def _refuse_too_many_webhooks(call: Call) -> None:
    channel, hooks = visible_channel(call), call.world.model.webhooks.values()
    if channel is None:
        return
    if sum(each.channel_id == channel.id for each in hooks) >= MAX_WEBHOOKS:
        raise refuse(30007)
    if sum(each.guild_id == channel.guild_id for each in hooks) >= MAX_WEBHOOKS_OF_GUILD:
        raise refuse(30058)


@REFUSALS.before("execute_slack_compatible_webhook", "execute_github_compatible_webhook")
def _refuse_service_in_forum(call: Call) -> None:
    hook = call.world.model.webhooks.get(call.id("webhook_id"))
    channel = None if hook is None else call.world.model.channels.get(hook.channel_id)
    if channel is not None and channel.type in FORUMS and "thread_id" not in call.query:
        raise refuse(220004)


@REFUSALS.before("create_channel_invite")
def _refuse_too_many_invites(call: Call) -> None:
    channel = visible_channel(call)
    invites = call.world.model.invites.values()
    if channel is not None and sum(each.guild_id == channel.guild_id for each in invites) >= MAX_INVITES:
        raise refuse(30016)


@REFUSALS.before("delete_channel")
def _refuse_to_delete_community_channel(call: Call) -> None:
    channel = visible_channel(call)
    guild = None if channel is None else call.world.model.guilds.get(channel.guild_id or 0)
    if channel is None or guild is None:
        return
    extra = extra_fields_of(guild)
    needed = {str(extra.get(name) or getattr(guild, name, None)) for name in COMMUNITY_CHANNELS}
    if "COMMUNITY" in (extra.get("features") or ()) and str(channel.id) in needed:
        raise refuse(50074)


@REFUSALS.before("update_guild")
def _refuse_community_channel(call: Call) -> None:
    for name in COMMUNITY_CHANNELS:
        channel = call.world.model.channels.get(int(call.form.get(name) or 0))
        if channel is not None and channel.type not in (TEXT, ANNOUNCEMENT):
            raise refuse(50086)
