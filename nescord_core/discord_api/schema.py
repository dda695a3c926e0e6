"""Resolves the API's JSON schemas once: references followed, ``allOf`` merged, unions as branches. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.discord_api import contract

__all__ = ["Shape", "kind_of", "shape_of"]

NO_FIT = -1_000_000

KINDS: dict[type, str] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
    type(None): "null",
}


def kind_of(value: Any) -> str:
    """Return the JSON type of a decoded value."""
    return KINDS.get(type(value), "object")


class Shape:
    """A resolved schema. ``branches`` are the members of a union (the other fields are empty then).

    Built lazily, because schemas are recursive; `shape_of` caches one per schema.
    """

    __slots__ = ("_fields", "_items", "branches", "enum", "kinds", "required", "rules", "textual")

    def __init__(self, schema: Mapping[str, Any]) -> None:
        kinds = schema.get("type", ())
        self.rules: Mapping[str, Any] = schema
        self.kinds = frozenset([kinds] if isinstance(kinds, str) else kinds)
        self.enum = tuple(schema.get("enum") or ())
        self.required = tuple(schema.get("required", ()))
        self.branches = tuple(shape_of(each) for each in schema.get("oneOf") or schema.get("anyOf") or ())
        self.textual = "string" in self.kinds and not self.kinds & {"integer", "number"}
        self._fields: dict[str, Shape] = {}
        self._items: Shape | None = None

    @property
    def nullable(self) -> bool:
        return "null" in self.kinds or any(each.nullable for each in self.branches)

    @property
    def fields(self) -> dict[str, Shape]:
        """The shapes of an object's named properties."""
        if not self._fields:
            for name, schema in self.rules.get("properties", {}).items():
                self._fields[name] = shape_of(schema)
        return self._fields

    @property
    def items(self) -> Shape:
        """The shape of an array's members."""
        if self._items is None:
            self._items = shape_of(self.rules.get("items", {}))
        return self._items

    @property
    def extra(self) -> Shape | None:
        """The shape of an object's additional properties; None if they may be anything."""
        more = self.rules.get("additionalProperties")
        return shape_of(more) if isinstance(more, Mapping) else None

    def accepts(self, value: Any) -> bool:
        """Return whether the value's type, and an object's discriminating constants, match this shape."""
        kind = kind_of(value)
        if self.branches:
            return any(each.accepts(value) for each in self.branches)
        if kind != "object":
            fits = not self.kinds or kind in self.kinds or (kind == "integer" and "number" in self.kinds)
            return fits and (not self.enum or value in self.enum or value is None)
        if self.kinds and "object" not in self.kinds:
            return False
        return all(
            field.enum == () or value[name] in field.enum or value[name] is None
            for name, field in self.fields.items()
            if name in value
        )

    def fit(self, value: Any) -> int:
        """Return how well a value fits: its known fields less the missing required ones; NO_FIT if not."""
        if self.branches:
            return max((each.fit(value) for each in self.branches), default=NO_FIT)
        if not self.accepts(value):
            return NO_FIT
        if not isinstance(value, dict):
            return 0
        missing = sum(name not in value for name in self.required)
        return sum(name in self.fields for name in value) - missing

    def branches_for(self, value: Any) -> list[Shape]:
        """Return the members of the union that fit the value best; nested unions are expanded."""
        best = self.fit(value)
        if best == NO_FIT:
            return []
        found = [each for each in self.branches if each.fit(value) == best]
        return [inner for each in found for inner in (each.branches_for(value) if each.branches else [each])]

    def branch_for(self, value: Any) -> Shape | None:
        """Return the first member of the union that fits the value best; None if none fits."""
        return next(iter(self.branches_for(value)), None)


_shapes: dict[int, Shape] = {}
_schemas: list[Mapping[str, Any]] = []


def shape_of(schema: Mapping[str, Any]) -> Shape:
    """Return the shape of a schema of the document (the same object for the same schema)."""
    found = _shapes.get(id(schema))
    if found is None:
        _schemas.append(schema)  # an id is valid only as long as its object lives
        target = _flat(schema)
        found = shape_of(target) if target is not schema and "$ref" in schema else Shape(target)
        _shapes[id(schema)] = found
    return found


def _flat(schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Follow references, and merge the parts of ``allOf``."""
    while "$ref" in schema:
        schema = contract.schemas()[schema["$ref"].rsplit("/", 1)[-1]]
    parts = schema.get("allOf")
    if not parts:
        return schema
    # The document has some constants as an empty ``enum`` beside a reference to the real one.
    merged = {key: value for key, value in schema.items() if key != "allOf" and (key != "enum" or value)}
    for part in map(_flat, parts):
        for key, value in part.items():
            if key == "properties":
                merged[key] = {**merged.get(key, {}), **value}
            elif key == "required":
                merged[key] = [*merged.get(key, ()), *value]
            else:
                merged.setdefault(key, value)
    return merged
