"""Scheduled events, exceptions for single occurrences of recurring ones, and interested users.

https://discord.com/developers/docs/resources/guild-scheduled-event
"""

from __future__ import annotations

from typing import Any

from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import (
    Call,
    Response,
    Routes,
    invalid_field,
    not_found,
    query_flag,
)
from nescord_core.sandbox.http.pagination import id_of_user, page_by_id
from nescord_core.sandbox.http.split_extra_fields import split_extra_fields
from nescord_core.sandbox.world.extra_fields import extra_fields_of, store_extra_fields
from nescord_core.sandbox.world.simcord.model import ScheduledEvent, serializers

__all__ = ["ROUTES"]

ROUTES = Routes()
EVENT_FIELDS = frozenset({"image", "recurrence_rule"})
Payload = dict[str, Any]

ROUTES.answered_by(
    model_answer,
    "list_guild_scheduled_events",
    "get_guild_scheduled_event",
    "delete_guild_scheduled_event",
)


@ROUTES.answers("create_guild_scheduled_event")
def _create_event(call: Call) -> Any:
    extra, rest = split_extra_fields(call, EVENT_FIELDS)
    fields = _event_fields(extra)
    with call.world.model.attach_extra_fields("GUILD_SCHEDULED_EVENT_CREATE", fields):
        return {**model_answer(rest), **fields}


@ROUTES.answers("update_guild_scheduled_event")
def _update_event(call: Call) -> Any:
    model = call.world.model
    event = model.get_scheduled_event(call.guild.id, call.id("guild_scheduled_event_id"))
    extra, rest = split_extra_fields(call, EVENT_FIELDS)
    with store_extra_fields(event, _event_fields(extra)):
        return model_answer(rest)


def _event_fields(extra: Payload) -> Payload:
    rule = extra.get("recurrence_rule")
    if rule is None:
        return extra
    optional = ("end", "by_weekday", "by_n_weekday", "by_month", "by_month_day", "by_year_day", "count")
    return {**extra, "recurrence_rule": {**dict.fromkeys(optional), **rule}}


@ROUTES.answers("list_guild_scheduled_event_users")
def _list_guild_scheduled_event_users(call: Call) -> Any:
    """https://discord.com/developers/docs/resources/guild-scheduled-event#get-guild-scheduled-event-users."""
    return page_by_id(call, model_answer(call), id_of_user, default_limit=100)


@ROUTES.answers("count_guild_scheduled_event_users")
def _count_guild_scheduled_event_users(call: Call) -> Any:
    counts = {each["event_exception_id"]: 0 for each in _exceptions_of_event(call).values()}
    count = len(_find_event(call).user_ids)
    return {"guild_scheduled_event_count": count, "guild_scheduled_event_exception_counts": counts}


# Exceptions: occurrences that are moved or cancelled


def _find_event(call: Call) -> ScheduledEvent:
    return call.world.model.get_scheduled_event(call.guild.id, call.id("guild_scheduled_event_id"))


def _exceptions_of_event(call: Call) -> dict[int, Payload]:
    return call.world.extra_state.event_exceptions.setdefault(_find_event(call).id, {})


def _find_exception(call: Call, name: str = "exception_id") -> Payload:
    found = _exceptions_of_event(call).get(call.id(name))
    if found is None:
        raise not_found(10096, "Guild Scheduled Event Exception")
    return found


@ROUTES.answers("create_guild_scheduled_event_exception")
def _create_event_exception(call: Call) -> Any:
    call.require_permissions("manage_events")
    event, form = _find_event(call), call.form
    if extra_fields_of(event).get("recurrence_rule") is None:
        message = "The event does not recur."
        raise invalid_field("original_scheduled_start_time", "GUILD_SCHEDULED_EVENT_NOT_RECURRING", message)
    made = {
        "event_id": str(event.id),
        "event_exception_id": str(call.world.model.snowflake()),
        "scheduled_start_time": form.get("scheduled_start_time") or form["original_scheduled_start_time"],
        "scheduled_end_time": form.get("scheduled_end_time"),
        "is_canceled": bool(form.get("is_canceled")),
    }
    _exceptions_of_event(call)[int(made["event_exception_id"])] = made
    _publish_exception(call, "CREATE", made)
    return made


@ROUTES.answers("update_guild_scheduled_event_exception")
def _update_event_exception(call: Call) -> Any:
    call.require_permissions("manage_events")
    found = _find_exception(call)
    names = ("scheduled_start_time", "scheduled_end_time", "is_canceled")
    found.update({name: call.form[name] for name in names if name in call.form})
    found["is_canceled"] = bool(found["is_canceled"])
    _publish_exception(call, "UPDATE", found)
    return found


@ROUTES.answers("delete_guild_scheduled_event_exception")
def _delete_event_exception(call: Call) -> Any:
    call.require_permissions("manage_events")
    deleted = _exceptions_of_event(call).pop(int(_find_exception(call)["event_exception_id"]))
    _publish_exception(call, "DELETE", deleted)
    return Response(204)


def _publish_exception(call: Call, what: str, exception: Payload) -> None:
    """Announce a change of an exception, and store the exceptions as an extra field of the event."""
    model, event = call.world.model, _find_event(call)
    extra_fields_of(event)["guild_scheduled_event_exceptions"] = [
        dict(each) for each in _exceptions_of_event(call).values()
    ]
    payload = {**exception, "guild_id": str(call.guild.id)}
    model.emit(f"GUILD_SCHEDULED_EVENT_EXCEPTION_{what}", payload)


@ROUTES.answers("list_guild_scheduled_event_exception_users")
def _list_event_exception_users(call: Call) -> Any:
    """Return the users interested in one occurrence: those interested in the event."""
    model, guild = call.world.model, call.guild
    exception = _find_exception(call, "guild_scheduled_event_exception_id")
    limit, after = int(call.query.get("limit", 100)), int(call.query.get("after", 0))
    before = int(call.query.get("before", 0)) or 1 << 64
    ids = [each for each in sorted(_find_event(call).user_ids) if after < each < before]
    rows = []
    for user_id in ids[:limit]:
        row: Payload = {
            "guild_scheduled_event_id": exception["event_id"],
            "guild_scheduled_event_exception_id": exception["event_exception_id"],
            "user_id": str(user_id),
            "user": dict(serializers.user_payload(model.get_user(user_id))),
            "response": 1,
        }
        if query_flag(call, "with_member") and user_id in guild.members:
            row["member"] = dict(serializers.member_payload(model, guild, guild.members[user_id]))
        rows.append(row)
    return rows
