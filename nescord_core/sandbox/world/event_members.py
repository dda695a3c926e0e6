"""Adds the memberships to events that Discord promises in guilds, and that the model leaves out. Pure.

https://discord.com/developers/docs/events/gateway-events#receive-events
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["with_members"]

Payload = dict[str, Any]
FindMember = Callable[[int], Payload | None]
"""Returns a user's membership in the event's guild with its user, None for a user who is not a member."""

MESSAGES = frozenset({"MESSAGE_CREATE", "MESSAGE_UPDATE"})


def with_members(event: str, payload: Mapping[str, Any], find_member: FindMember) -> Mapping[str, Any]:
    """Return an event of a guild with the memberships of the users that it is about."""
    if event in MESSAGES:
        return _message(payload, find_member)
    if event == "TYPING_START":
        member = find_member(int(payload["user_id"]))
        return payload if member is None else {**payload, "member": member}
    if event == "THREAD_MEMBERS_UPDATE" and payload.get("added_members"):
        added = [
            {**each, "member": find_member(int(each["user_id"])), "presence": None}
            for each in payload["added_members"]
        ]
        return {**payload, "added_members": added}
    return payload


def _message(payload: Mapping[str, Any], find_member: FindMember) -> Mapping[str, Any]:
    """Add the author's membership, which webhooks have none of, and those of mentioned users."""
    changed = dict(payload)
    if payload.get("webhook_id") is None:
        changed |= _partial_member(payload["author"], find_member)
    changed["mentions"] = [
        {**each, **_partial_member(each, find_member)} for each in payload.get("mentions") or ()
    ]
    return changed


def _partial_member(user: Mapping[str, Any], find_member: FindMember) -> Payload:
    """Return ``member`` without its user, nothing for a user who is not a member."""
    member = find_member(int(user["id"]))
    if member is None:
        return {}
    return {"member": {name: value for name, value in member.items() if name != "user"}}
