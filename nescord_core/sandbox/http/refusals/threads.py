"""Threads and forums: archived and locked threads, tags, and where threads can be started.

https://discord.com/developers/docs/topics/threads
"""

from __future__ import annotations

from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.http.refusals.table import Refusals, bot_may, refuse, visible_channel
from nescord_core.sandbox.world.extra_fields import extra_fields_of
from nescord_core.sandbox.world.simcord.model import Channel

__all__ = ["FORUMS", "REFUSALS"]

REFUSALS = Refusals()
FORUMS = frozenset({15, 16})
THREADED = frozenset({0, 5})
"""Text and announcement channels."""
PINNED, REQUIRE_TAG = 1 << 1, 1 << 4
"""Channel flags (https://discord.com/developers/docs/resources/channel#channel-object-channel-flags)."""
MAX_ACTIVE_THREADS = 1000
MAX_THREAD_MEMBERS = 1000


@REFUSALS.before(
    "update_message",
    "add_my_message_reaction",
    "delete_my_message_reaction",
    "delete_user_message_reaction",
    "delete_all_message_reactions",
    "delete_all_message_reactions_by_emoji",
    "create_pin",
    "delete_pin",
    "deprecated_create_pin",
    "deprecated_delete_pin",
    "join_thread",
    "leave_thread",
    "add_thread_member",
    "delete_thread_member",
)
def _refuse_in_archived_thread(call: Call) -> None:
    """Refuse what changes an archived thread; its messages can be deleted, unless it is locked as well."""
    if (channel := visible_channel(call)) is not None and _is_archived(channel):
        raise refuse(50083)


@REFUSALS.before("update_webhook_message")
def _refuse_edit_by_webhook(call: Call) -> None:
    thread_id = call.query.get("thread_id", "")
    thread = call.world.model.channels.get(int(thread_id)) if thread_id.isdecimal() else None
    if thread is not None and _is_archived(thread):
        raise refuse(50083)


@REFUSALS.before("delete_message", "bulk_delete_messages")
def _refuse_in_closed_thread(call: Call) -> None:
    channel = visible_channel(call)
    if channel is not None and _is_archived(channel) and _is_locked(channel):
        raise refuse(50083)


@REFUSALS.before("update_channel")
def _refuse_update_of_archived_thread(call: Call) -> None:
    """An archived thread can only be unarchived, which may change other fields with it."""
    channel = visible_channel(call)
    if channel is None or not _is_archived(channel) or call.form.get("archived") is False:
        return
    if call.form.keys() - {"archived"}:
        raise refuse(50083)


@REFUSALS.before("create_message", "update_message", "trigger_typing_indicator")
def _refuse_in_locked_thread(call: Call) -> None:
    channel = visible_channel(call)
    if channel is None or not _is_locked(channel):
        return
    if not bot_may(call, channel, "manage_threads"):
        raise refuse(160005)
    if _is_archived(channel):
        raise refuse(50083)


def _is_archived(channel: Channel) -> bool:
    return channel.thread_metadata is not None and channel.thread_metadata.archived


def _is_locked(channel: Channel) -> bool:
    return channel.thread_metadata is not None and channel.thread_metadata.locked


# Starting threads


@REFUSALS.before("create_thread", "create_thread_from_message")
def _refuse_channel_without_threads(call: Call) -> None:
    channel, from_message = visible_channel(call), "message_id" in call.args
    if channel is not None and channel.type not in (THREADED if from_message else THREADED | FORUMS):
        raise refuse(50024)


@REFUSALS.before("create_thread_from_message")
def _refuse_second_thread(call: Call) -> None:
    # A thread that is started from a message has the message's id.
    if visible_channel(call) is not None and call.id("message_id") in call.world.model.channels:
        raise refuse(160004)


@REFUSALS.before("create_thread", "create_thread_from_message")
def _refuse_too_many_threads(call: Call) -> None:
    channel = visible_channel(call)
    if channel is None or channel.guild_id is None:
        return
    model = call.world.model
    threads = (model.channels[each] for each in model.guilds[channel.guild_id].thread_ids)
    if sum(not _is_archived(each) for each in threads) >= MAX_ACTIVE_THREADS:
        raise refuse(160006)


@REFUSALS.before("add_thread_member", "join_thread")
def _refuse_too_many_members(call: Call) -> None:
    channel = visible_channel(call)
    if channel is not None and len(channel.thread_members) >= MAX_THREAD_MEMBERS:
        raise refuse(30033)


# Forums and their tags


@REFUSALS.before("create_thread")
def _refuse_post_without_tag(call: Call) -> None:
    channel = visible_channel(call)
    if channel is None or channel.type not in FORUMS:
        return
    tags = call.form.get("applied_tags") or ()
    if int(extra_fields_of(channel).get("flags") or 0) & REQUIRE_TAG and not tags:
        raise refuse(40067)
    _refuse_unknown_tags(channel, tags)


@REFUSALS.before("update_channel")
def _refuse_update_of_post(call: Call) -> None:
    """Check tags and the pin of a post."""
    channel = visible_channel(call)
    forum = None if channel is None else call.world.model.channels.get(channel.parent_id or 0)
    if channel is None or forum is None or forum.type not in FORUMS or not channel.is_thread:
        return
    tags = call.form.get("applied_tags")
    if tags is not None:
        if int(extra_fields_of(forum).get("flags") or 0) & REQUIRE_TAG and not tags:
            raise refuse(40067)
        _refuse_unknown_tags(forum, tags)
    if int(call.form.get("flags") or 0) & PINNED and _has_other_pinned_post(call, channel):
        raise refuse(30047)


def _refuse_unknown_tags(forum: Channel, tags: object) -> None:
    known = {str(each["id"]) for each in forum.available_tags}
    if isinstance(tags, list) and any(str(each) not in known for each in tags):
        raise refuse(10087)


def _has_other_pinned_post(call: Call, post: Channel) -> bool:
    others = (each for each in call.world.model.channels.values() if each.parent_id == post.parent_id)
    return any(each is not post and int(extra_fields_of(each).get("flags") or 0) & PINNED for each in others)


@REFUSALS.before("create_guild_channel", "update_channel")
def _refuse_tags_of_forum(call: Call) -> None:
    tags = [each for each in call.form.get("available_tags") or () if each]
    names = [str(each.get("name", "")).casefold() for each in tags]
    if len(set(names)) < len(names):
        raise refuse(40061)
    if int(call.form.get("flags") or 0) & REQUIRE_TAG and _lacks_open_tag(call, tags):
        raise refuse(40066)


def _lacks_open_tag(call: Call, tags: list[dict[str, object]]) -> bool:
    """Return whether moderators alone can set the tags that the forum has after the call."""
    if "available_tags" not in call.form and "channel_id" in call.args:
        channel = visible_channel(call)
        tags = [] if channel is None else channel.available_tags
    return all(each.get("moderated") for each in tags)
