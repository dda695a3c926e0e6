"""Lists that come in pages. The model gives the whole list; clients turn pages until one is empty."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.calls import Call, Routes
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.world.simcord.model import serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
EVERYTHING = 1 << 31

Payload = dict[str, Any]


@ROUTES.answers("list_message_reactions_by_emoji")
def _reactions(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/message#get-reactions."""
    return _page(call, model_answer(call), _own_id, usual=25)


@ROUTES.answers("get_answer_voters")
def _voters(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/poll#get-answer-voters."""
    whole = model_answer(replace(call, query={"limit": str(EVERYTHING)}))
    return {"users": _page(call, whole["users"], _own_id, usual=25)}


@ROUTES.answers("list_guild_bans")
def _bans(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/guild#get-guild-bans."""
    return _page(call, model_answer(call), _id_of_user, usual=1000)


@ROUTES.answers("list_guild_scheduled_event_users")
def _event_users(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/guild-scheduled-event#get-guild-scheduled-event-users."""
    return _page(call, model_answer(call), _id_of_user, usual=100)


@ROUTES.answers("list_thread_members")
def _thread_members(call: Call) -> Any:
    """In pages only when members are asked for.

    https://discord.com/developers/docs/resources/channel#list-thread-members
    """
    everyone = model_answer(call)
    if call.query.get("with_member", "").lower() not in ("true", "1"):
        return everyone
    return [_with_member(call, each) for each in _page(call, everyone, _user_id, usual=100)]


@ROUTES.answers("list_public_archived_threads", "list_private_archived_threads")
def _archived(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/channel#list-public-archived-threads."""
    return _archive_page(call, _archived_at)


@ROUTES.answers("list_my_private_archived_threads")
def _my_archived(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/channel#list-joined-private-archived-threads."""
    return _archive_page(call, lambda thread: thread["id"].zfill(20), width=20)


def _page(
    call: Call, whole: Sequence[Payload], key: Callable[[Payload], int], *, usual: int
) -> list[Payload]:
    """Return the asked part, by rising id. Of ``before`` and ``after`` only the first is respected."""
    limit, before = int(call.query.get("limit", usual)), call.query.get("before")
    found = sorted(whole, key=key)
    if before is not None:
        return [each for each in found if key(each) < int(before)][-limit:]
    after = int(call.query.get("after", 0))
    return [each for each in found if key(each) > after][:limit]


def _archive_page(call: Call, key: Callable[[Payload], str], *, width: int = 0) -> Payload:
    """Return the asked part of archived threads, newest first."""
    whole = model_answer(call)
    limit, before = int(call.query.get("limit", 50)), call.query.get("before", "").replace("Z", "+00:00")
    found = sorted(whole["threads"], key=key, reverse=True)
    older = [each for each in found if not before or key(each) < before.zfill(width)]
    ids = {each["id"] for each in older[:limit]}
    members = [each for each in whole["members"] if each["id"] in ids]
    return {"threads": older[:limit], "members": members, "has_more": len(older) > limit}


def _archived_at(thread: Payload) -> str:
    return str(thread["thread_metadata"]["archive_timestamp"])


def _own_id(user: Payload) -> int:
    return int(user["id"])


def _id_of_user(entry: Payload) -> int:
    return int(entry["user"]["id"])


def _user_id(thread_member: Payload) -> int:
    return int(thread_member["user_id"])


def _with_member(call: Call, thread_member: Payload) -> Payload:
    world = call.world.simulation
    guild = world.guilds[world.channels[call.id("channel_id")].guild_id or 0]
    member = guild.members.get(_user_id(thread_member))
    if member is None:
        return thread_member
    return {**thread_member, "member": dict(serializers.member_payload(world, guild, member))}
