"""Roles of guilds. Adding them to members is in `members`.

https://discord.com/developers/docs/topics/permissions#role-object
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call, Routes, invalid_field
from nescord_core.sandbox.http.split_extra_fields import record_changes, split_extra_fields
from nescord_core.sandbox.world.extra_fields import store_extra_fields

__all__ = ["ROUTES"]

ROUTES = Routes()
ROLE_FIELDS = frozenset({"icon", "unicode_emoji", "colors"})
Payload = dict[str, Any]

ROUTES.answered_by(
    model_answer,
    "list_guild_roles",
    "get_guild_role",
    "delete_guild_role",
    "bulk_update_guild_roles",
)


@ROUTES.answers("create_guild_role")
def _create_role(call: Call) -> Any:
    extra, rest = _split_role_fields(call)
    with call.world.model.attach_extra_fields("GUILD_ROLE_CREATE", extra):
        return {**model_answer(rest), **extra}


@ROUTES.answers("update_guild_role")
def _update_role(call: Call) -> Any:
    role = call.world.model.get_role(call.guild.id, call.id("role_id"))
    extra, rest = _split_role_fields(call)
    record_changes(call, role, {name: value for name, value in extra.items() if name != "colors"})
    with store_extra_fields(role, extra):
        return model_answer(rest)


def _split_role_fields(call: Call) -> tuple[Payload, Call]:
    """Return the extra fields of a role, and the call with ``colors`` as the model's ``color``."""
    extra, rest = split_extra_fields(call, ROLE_FIELDS)
    colors, color = extra.pop("colors", None), call.form.get("color")
    if colors is not None:
        tertiary, secondary = colors.get("tertiary_color"), colors.get("secondary_color")
        if tertiary is not None and secondary is None:
            raise invalid_field("colors", "BASE_TYPE_REQUIRED", "A holographic role needs all three colours.")
        color = colors.get("primary_color") or 0
        extra["colors"] = {
            "primary_color": color,
            "secondary_color": secondary,
            "tertiary_color": tertiary,
        }
        rest = replace(rest, body={**rest.form, "color": color})
    elif color is not None:
        extra["colors"] = {"primary_color": color, "secondary_color": None, "tertiary_color": None}
    return extra, rest


@ROUTES.answers("guild_role_member_counts")
def _guild_role_member_counts(call: Call) -> Any:
    guild = call.guild
    counts = Counter(role for member in guild.members.values() for role in member.role_ids)
    return {str(role): counts[role] for role in guild.roles if role != guild.id}
