"""Splits bodies into fields that the model has and extra fields, which are stored beside the model.

Extra fields are those of Discord's objects that the model of the world does not have
(`nescord_core.sandbox.world.extra_fields`).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Any

from nescord_core.sandbox.http.images import store_images
from nescord_core.sandbox.http.model_routes import model_answer
from nescord_core.sandbox.http.operation_call import Call
from nescord_core.sandbox.world.extra_fields import extra_fields_of, store_extra_fields

__all__ = ["record_changes", "split_extra_fields", "update_with_extra_fields"]

OMITTED_WHEN_NULL = frozenset({"features", "flags", "premium_progress_bar_enabled", "system_channel_flags"})
"""Fields whose null leaves them as they are."""

Payload = dict[str, Any]


def split_extra_fields(call: Call, names: Collection[str]) -> tuple[Payload, Call]:
    """Return the body's fields of these names, with their images stored, and the call without them."""
    extra = {name: value for name, value in call.form.items() if name in names}
    rest = {name: value for name, value in call.form.items() if name not in names}
    return store_images(call, extra), replace(call, body=rest)


def update_with_extra_fields(
    call: Call, thing: object, names: Collection[str], attributes: Mapping[str, Any] | None = None
) -> Any:
    """Update an object of the model, and store the fields of these names as extra fields.

    ``attributes`` are the model's own fields, set on the object without the model's checks. Returns the JSON
    of the response.
    """
    extra, rest = split_extra_fields(call, names)
    extra = {
        name: value for name, value in extra.items() if value is not None or name not in OMITTED_WHEN_NULL
    }
    if attributes:
        rest = replace(rest, body={key: value for key, value in rest.form.items() if key not in attributes})
    record_changes(call, thing, {**extra, **(attributes or {})})
    with store_extra_fields(thing, extra, attributes):
        return model_answer(rest)


def record_changes(call: Call, thing: object, fields: Mapping[str, Any]) -> None:
    """Record changes for the entry in the audit log."""
    before = {**vars(thing), **extra_fields_of(thing)}
    call.world.model.pending_audit_changes += [
        {"key": name, "old_value": before.get(name), "new_value": value}
        for name, value in fields.items()
        if before.get(name) != value
    ]
