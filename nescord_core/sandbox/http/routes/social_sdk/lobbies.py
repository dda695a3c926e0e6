"""Lobbies: groups of an application's users who play together, with chat and a linked channel.

https://discord.com/developers/docs/resources/lobby
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.http.operation_call import Call, Response, Routes, not_found
from nescord_core.sandbox.world.simcord.model import BackendError, serializers
from nescord_core.sandbox.world.unmodelled_state import Lobby

__all__ = ["ROUTES"]

ROUTES = Routes()
CAN_LINK_LOBBY = 1
"""The member flag with which a member can link the lobby to a channel."""
LOBBY_MESSAGE = 0
MAX_MESSAGES = 200

Payload = dict[str, Any]


def _find_lobby(call: Call) -> Lobby:
    """Return the lobby in the path; for a user, only lobbies that they are in exist."""
    lobby = call.world.extra_state.lobbies.get(call.id("lobby_id"))
    if lobby is None or (call.grant is not None and call.grant.user_id not in lobby.members):
        raise not_found(10031, "Lobby")
    return lobby


def _lobby_payload(call: Call, lobby: Lobby) -> Payload:
    model = call.world.model
    payload: Payload = {
        "id": str(lobby.id),
        "application_id": str(call.world.application_id),
        "metadata": lobby.metadata,
        "members": list(lobby.members.values()),
        "flags": lobby.flags,
    }
    if lobby.webhook_url is not None:
        payload["override_event_webhooks_url"] = lobby.webhook_url
    channel = model.channels.get(lobby.linked_channel_id or 0)
    if channel is not None:
        payload["linked_channel"] = dict(serializers.channel_payload(model, channel))
    return payload


def _member_payload(call: Call, user_id: int, fields: Mapping[str, Any]) -> Payload:
    call.world.model.get_user(user_id)
    member = {"id": str(user_id), "metadata": fields.get("metadata") or {}, "flags": fields.get("flags") or 0}
    name = fields.get("additional_name")
    return member if name is None else {**member, "additional_name": name}


@ROUTES.answers("create_lobby")
def _create_lobby(call: Call) -> Any:
    form = call.form
    members = {
        int(each["id"]): _member_payload(call, int(each["id"]), each) for each in form.get("members") or ()
    }
    lobby = Lobby(
        call.world.model.snowflake(),
        dict(form.get("metadata") or {}),
        flags=form.get("flags") or 0,
        webhook_url=form.get("override_event_webhooks_url"),
        members=members,
    )
    call.world.extra_state.lobbies[lobby.id] = lobby
    return Response(201, _lobby_payload(call, lobby))


@ROUTES.answers("create_or_join_lobby")
def _create_or_join_lobby(call: Call) -> Any:
    """Join the lobby with this secret, or create it. Only users can do that."""
    if call.grant is None:
        raise BackendError(403, 20001, "Bots cannot use this endpoint")
    form, lobbies = call.form, call.world.extra_state.lobbies
    lobby = next((each for each in lobbies.values() if each.secret == form["secret"]), None)
    if lobby is None:
        lobby = Lobby(call.world.model.snowflake(), {}, form["secret"], form.get("flags") or 0)
        lobbies[lobby.id] = lobby
    if form.get("lobby_metadata") is not None:
        lobby.metadata = dict(form["lobby_metadata"])
    user_id = call.grant.user_id
    fields = {"metadata": form.get("member_metadata"), "flags": CAN_LINK_LOBBY}
    lobby.members[user_id] = _member_payload(call, user_id, fields)
    return _lobby_payload(call, lobby)


@ROUTES.answers("get_lobby")
def _get_lobby(call: Call) -> Any:
    return _lobby_payload(call, _find_lobby(call))


@ROUTES.answers("edit_lobby")
def _edit_lobby(call: Call) -> Any:
    lobby, form = _find_lobby(call), call.form
    if "metadata" in form:
        lobby.metadata = dict(form["metadata"] or {})
    if "members" in form:
        lobby.members = {
            int(each["id"]): _member_payload(call, int(each["id"]), each) for each in form["members"] or ()
        }
    if form.get("flags") is not None:
        lobby.flags = form["flags"]
    if "override_event_webhooks_url" in form:
        lobby.webhook_url = form["override_event_webhooks_url"]
    return _lobby_payload(call, lobby)


@ROUTES.answers("delete_lobby")
def _delete_lobby(call: Call) -> Any:
    del call.world.extra_state.lobbies[_find_lobby(call).id]
    return Response(204)


# Members


@ROUTES.answers("add_lobby_member")
def _add_lobby_member(call: Call) -> Any:
    lobby, user_id = _find_lobby(call), call.id("user_id")
    lobby.members[user_id] = _member_payload(call, user_id, {**lobby.members.get(user_id, {}), **call.form})
    return lobby.members[user_id]


@ROUTES.answers("bulk_update_lobby_members")
def _bulk_update_lobby_members(call: Call) -> Any:
    lobby = _find_lobby(call)
    for each in call.body or ():
        user_id = int(each["id"])
        if each.get("remove_member"):
            lobby.members.pop(user_id, None)
        else:
            lobby.members[user_id] = _member_payload(call, user_id, each)
    user_ids = [int(each["id"]) for each in call.body or ()]
    return [lobby.members[each] for each in user_ids if each in lobby.members]


@ROUTES.answers("delete_lobby_member", "leave_lobby")
def _remove_lobby_member(call: Call) -> Any:
    user_id = call.id("user_id") if "user_id" in call.args else call.actor_id
    lobby = _find_lobby(call)
    if lobby.members.pop(user_id, None) is None and call.grant is None and "user_id" in call.args:
        raise not_found(10007, "Member")
    return Response(204)


# The linked channel


@ROUTES.answers("edit_lobby_channel_link")
def _edit_lobby_channel_link(call: Call) -> Any:
    """Link a channel, or unlink it. Members need the flag for it, and permissions in the channel."""
    lobby = _find_lobby(call)
    if not lobby.members.get(call.actor_id, {"flags": CAN_LINK_LOBBY})["flags"] & CAN_LINK_LOBBY:
        raise BackendError(403, 50013, "Missing Permissions")
    channel_id = call.form.get("channel_id")
    if channel_id is not None:
        model = call.world.model
        channel = model.get_channel(int(channel_id))
        model.require_permissions(
            channel.guild_id, call.actor_id, channel.id, "manage_channels", "create_instant_invite"
        )
        if channel.type != 0:
            raise BackendError(400, 50024, "Cannot execute action on this channel type")
    lobby.linked_channel_id = None if channel_id is None else int(channel_id)
    return _lobby_payload(call, lobby)


@ROUTES.answers("create_linked_lobby_guild_invite_for_user", "create_linked_lobby_guild_invite_for_self")
def _create_linked_lobby_invite(call: Call) -> Any:
    """Invite a member to the linked channel's guild; the invite is for one use within an hour."""
    lobby, model = _find_lobby(call), call.world.model
    user_id = call.id("user_id") if "user_id" in call.args else call.actor_id
    if user_id not in lobby.members:
        raise not_found(10007, "Member")
    if lobby.linked_channel_id not in model.channels:
        raise not_found(10003, "Channel")
    invite = model.create_invite(lobby.linked_channel_id or 0, model.bot_user.id, max_uses=1, max_age=3600)
    return {"code": invite.code}


# Messages


@ROUTES.answers("create_lobby_message")
def _create_lobby_message(call: Call) -> Any:
    """Send a message as a member; the application itself cannot."""
    if call.grant is None:
        raise BackendError(403, 20001, "Bots cannot use this endpoint")
    lobby, model = _find_lobby(call), call.world.model
    if not call.form.get("content"):
        raise BackendError(400, 50006, "Cannot send an empty message")
    message: Payload = {
        "id": str(model.snowflake()),
        "type": LOBBY_MESSAGE,
        "content": call.form["content"],
        "lobby_id": str(lobby.id),
        "channel_id": str(lobby.linked_channel_id or lobby.id),
        "author": dict(serializers.user_payload(model.get_user(call.actor_id))),
        "flags": call.form.get("flags") or 0,
        "application_id": str(call.world.application_id),
    }
    name = lobby.members[call.actor_id].get("additional_name")
    if name is not None:
        message["lobby_member"] = {"additional_name": name}
    lobby.messages[int(message["id"])] = message
    while len(lobby.messages) > MAX_MESSAGES:
        del lobby.messages[next(iter(lobby.messages))]
    return Response(201, message)


@ROUTES.answers("get_lobby_messages")
def _get_lobby_messages(call: Call) -> Any:
    newest = list(_find_lobby(call).messages.values())[::-1]
    return newest[: int(call.query.get("limit", 50))]


@ROUTES.answers("update_lobby_message_external_moderation_metadata")
def _update_moderation_metadata(call: Call) -> Any:
    message = _find_lobby(call).messages.get(call.id("message_id"))
    if message is None:
        raise not_found(10008, "Message")
    message["moderation_metadata"] = {str(name): str(value) for name, value in call.form.items()}
    return Response(204)
