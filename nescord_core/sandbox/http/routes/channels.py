"""Channels and threads, except their messages, invites and webhooks.

https://discord.com/developers/docs/resources/channel
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Routes, invalid_field
from nescord_core.sandbox.http.pagination import page_by_id, page_of_archive
from nescord_core.sandbox.http.split_extra_fields import split_extra_fields, update_with_extra_fields
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import BackendError, MessageType, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
CHANNEL_FIELDS = frozenset(
    {
        "default_auto_archive_duration",
        "default_forum_layout",
        "default_reaction_emoji",
        "default_sort_order",
        "default_tag_setting",
        "default_thread_rate_limit_per_user",
        "flags",
        "nsfw",
        "video_quality_mode",
    }
)
TEXT, ANNOUNCEMENT = 0, 5
CHANNEL_FOLLOWER = 2
"""The type of a webhook that posts what another channel publishes."""
Payload = dict[str, Any]

ROUTES.answered_by(
    model_answer,
    "get_channel",
    "delete_channel",
    "list_guild_channels",
    "bulk_update_guild_channels",
    "set_channel_permission_overwrite",
    "delete_channel_permission_overwrite",
    "trigger_typing_indicator",
    "get_active_guild_threads",
    "join_thread",
    "leave_thread",
    "get_thread_member",
    "add_thread_member",
    "delete_thread_member",
)


@ROUTES.answers("create_guild_channel")
def _create_channel(call: Call) -> Any:
    extra, made = split_extra_fields(call, CHANNEL_FIELDS | {"available_tags"})
    fields = {name: value for name, value in extra.items() if value is not None}
    # The model has tags, but not in a new channel; each gets an id here.
    new_id = call.world.model.snowflake
    tags = [{**each, "id": str(new_id())} for each in fields.pop("available_tags", ()) if each]
    with call.world.model.attach_extra_fields(
        "CHANNEL_CREATE", fields, {"available_tags": tags} if tags else {}
    ):
        payload = model_answer(made)
    return {**payload, "available_tags": tags} if tags else payload


@ROUTES.answers("update_channel")
def _update_channel(call: Call) -> Any:
    """Update a channel. The document allows an empty name, which only group DMs may have."""
    if call.form.get("name") == "":
        raise invalid_field("name", "BASE_TYPE_BAD_LENGTH", "Must be between 1 and 100 in length.")
    channel = call.world.model.get_channel(call.id("channel_id"))
    own = {name: call.form[name] for name in ("type", "position") if call.form.get(name) is not None}
    if own.get("type", channel.type) != channel.type and {own["type"], channel.type} != {TEXT, ANNOUNCEMENT}:
        raise invalid_field(
            "type", "CHANNEL_TYPE_INVALID", "Only text and announcement channels can be converted."
        )
    return update_with_extra_fields(call, channel, CHANNEL_FIELDS, own)


@ROUTES.answers("follow_channel")
def _follow_channel(call: Call) -> Any:
    """Follow an announcement channel: a webhook of type 2 posts what it publishes."""
    payload = model_answer(call)
    model = call.world.model
    hook, source = model.webhooks[int(payload["webhook_id"])], model.get_channel(call.id("channel_id"))
    guild = model.guilds[source.guild_id or 0]
    hook.name = f"{guild.name} #{source.name}"
    extra_fields_of(hook).update(
        type=CHANNEL_FOLLOWER,
        source_guild={"id": str(guild.id), "name": guild.name, "icon": extra_fields_of(guild).get("icon")},
        source_channel={"id": str(source.id), "name": source.name},
    )
    model.webhook_tokens.pop(hook.token, None)  # followers have no token
    model.create_system_message(hook.channel_id, MessageType.CHANNEL_FOLLOW_ADD, model.bot_user.id)
    return payload


@ROUTES.answers("add_group_dm_user", "delete_group_dm_user")
def _add_or_delete_group_dm_user(call: Call) -> Any:
    """Refuse any channel: the sandbox has no group DMs."""
    call.world.model.get_channel(call.id("channel_id"))
    raise BackendError(400, 50024, "Cannot execute action on this channel type")


# Threads


@ROUTES.answers("create_thread", "create_thread_from_message")
def _create_thread(call: Call) -> Any:
    """Start a thread, with the slow mode and the ``invitable`` that the model does not set.

    In announcement channels, Discord makes announcement threads (type 10).
    """
    options = {
        name: call.form[name]
        for name in ("rate_limit_per_user", "invitable")
        if call.form.get(name) is not None
    }
    if options.get("rate_limit_per_user"):
        call.require_channel_permissions("manage_threads")
    with call.world.model.thread_options(options):
        return model_answer(call)


@ROUTES.answers("list_thread_members")
def _list_thread_members(call: Call) -> Any:
    """List thread members, in pages only with ``with_member``.

    https://discord.com/developers/docs/resources/channel#list-thread-members
    """
    everyone = model_answer(call)
    if call.query.get("with_member", "").lower() not in ("true", "1"):
        return everyone
    return [_with_member(call, each) for each in page_by_id(call, everyone, _user_id_of, default_limit=100)]


def _with_member(call: Call, thread_member: Payload) -> Payload:
    model = call.world.model
    guild = model.guilds[model.channels[call.id("channel_id")].guild_id or 0]
    member = guild.members.get(_user_id_of(thread_member))
    if member is None:
        return thread_member
    return {**thread_member, "member": dict(serializers.member_payload(model, guild, member))}


def _user_id_of(thread_member: Payload) -> int:
    return int(thread_member["user_id"])


@ROUTES.answers("list_public_archived_threads", "list_private_archived_threads")
def _list_archived_threads(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/channel#list-public-archived-threads."""
    return page_of_archive(call, _archived_at)


def _archived_at(thread: Payload) -> str:
    return str(thread["thread_metadata"]["archive_timestamp"])


@ROUTES.answers("list_my_private_archived_threads")
def _list_my_private_archived_threads(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/channel#list-joined-private-archived-threads."""
    return page_of_archive(call, lambda thread: thread["id"].zfill(20), width=20)
