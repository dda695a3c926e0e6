"""Rewrites checked bodies as Discord reads them: a field that is null is a missing field. Pure.

Routes then see one form of a body, whatever a client's library sends.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["normalized", "without_nulls"]

UPDATE_MESSAGE = 7


def normalized(operation_id: str, body: Any) -> Any:
    """Return a checked body without the nulls below its top level.

    A null at the top level may have a meaning of its own: an update resets the field. Below, it means the
    same as a missing field, and many libraries send every field that they know.
    """
    if isinstance(body, list):
        return [_without_inner_nulls(each) for each in body]
    if not isinstance(body, dict):
        return body
    cleaned = _without_inner_nulls(body)
    if operation_id == "create_interaction_response" and body.get("type") == UPDATE_MESSAGE:
        # `data` is an update of the message, whose nulls clear its fields.
        cleaned["data"] = _without_inner_nulls(body.get("data"))
    return cleaned


def without_nulls(part: Mapping[str, Any], names: Collection[str]) -> dict[str, Any]:
    """Return an object without those of its fields ``names`` that are null."""
    return {key: value for key, value in part.items() if value is not None or key not in names}


def _without_inner_nulls(part: Any) -> Any:
    """Return an object whose own nulls stay, and a list without any."""
    if isinstance(part, dict):
        return {name: _without_any_nulls(value) for name, value in part.items()}
    return _without_any_nulls(part)


def _without_any_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _without_any_nulls(each) for name, each in value.items() if each is not None}
    if isinstance(value, list):
        return [_without_any_nulls(each) for each in value if each is not None]
    return value
