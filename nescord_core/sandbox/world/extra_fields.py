"""Extra fields: fields of Discord's objects that the model does not have. Pure.

They are stored on the model's object as they were sent, and shown wherever the object is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

__all__ = ["ATTRIBUTE", "extra_fields_of", "show_extra_fields", "store_extra_fields"]

Payload = dict[str, Any]
Serialize = Callable[..., Any]
ATTRIBUTE = "extra_fields"


def extra_fields_of(thing: object) -> Payload:
    """Return the extra fields of an object of the model; a change of the dict changes what is shown."""
    fields: Payload = vars(thing).setdefault(ATTRIBUTE, {})
    return fields


def show_extra_fields(serialize: Serialize) -> Serialize:
    """Wrap one of the model's serializers (the object is its last argument) to add the extra fields."""

    def serialize_with_extra_fields(*args: Any, **options: Any) -> Any:
        payload = serialize(*args, **options)
        fields = vars(args[-1]).get(ATTRIBUTE)
        return {**payload, **fields} if fields else payload

    return serialize_with_extra_fields


@contextmanager
def store_extra_fields(
    thing: object, fields: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
) -> Iterator[None]:
    """Store extra fields, and set attributes of the model's; both are undone if the block raises."""
    own = attributes or {}
    before, old = dict(extra_fields_of(thing)), {name: getattr(thing, name) for name in own}
    extra_fields_of(thing).update(fields)
    for name, value in own.items():
        setattr(thing, name, value)
    try:
        yield
    except BaseException:
        vars(thing)[ATTRIBUTE] = before
        for name, value in old.items():
            setattr(thing, name, value)
        raise
