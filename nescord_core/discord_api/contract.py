"""Discord's HTTP API as data: operations, parameters and schemas, derived from its OpenAPI document.

The table (`contract.json`, made by .ci/contract.py) is read on first use. The sandbox checks requests with
it, and the tests hold every answer against it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import unquote

import msgspec

__all__ = ["Operation", "Parameter", "document", "match", "operations", "schemas"]

Schema = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A path or query parameter; ``location`` is ``path``, ``query`` or ``header``."""

    name: str
    location: str
    schema: Schema
    required: bool


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the API.

    ``request`` maps a content type to the schema of its body (empty: the operation takes none).
    ``responses`` maps a status ("200", "204", ...) to schemas by content type. ``security`` names what may
    authorise it: ``BotToken``, ``OAuth2``; empty for routes that carry a token in their path or need none.
    Schemas refer to each other as ``#/schemas/NAME`` within `document()`.
    """

    operation_id: str
    method: str
    path: str
    parameters: tuple[Parameter, ...]
    request: Mapping[str, Schema]
    responses: Mapping[str, Mapping[str, Schema]]
    security: tuple[str, ...]
    segments: tuple[str, ...] = field(repr=False)

    def response_schema(self, status: int) -> Schema | None:
        """Return the JSON schema of that success status, None where the document gives none."""
        return self.responses.get(str(status), {}).get("application/json")


ESCAPED = frozenset({"%40me", "%40original"})

CORRECTIONS: Mapping[str, Schema] = {
    # 1 is a forward: https://discord.com/developers/docs/resources/message#message-reference-types
    "MessageReferenceType": {"type": "integer", "format": "int32", "enum": [0, 1]},
    # Every field may be left out: https://discord.com/developers/docs/resources/user#modify-current-user
    "BotAccountPatchRequest": {
        "type": "object",
        "properties": {
            "username": {"type": "string", "minLength": 2, "maxLength": 32},
            "avatar": {"type": ["string", "null"], "contentEncoding": "base64"},
            "banner": {"type": ["string", "null"], "contentEncoding": "base64"},
        },
    },
    # Codes of single fields are names: https://discord.com/developers/docs/reference#error-messages
    "InnerErrors": {
        "type": "object",
        "properties": {"_errors": {"type": "array", "items": {"$ref": "#/schemas/InnerError"}}},
        "additionalProperties": False,
        "required": ["_errors"],
    },
    "InnerError": {
        "type": "object",
        "properties": {"code": {"type": "string"}, "message": {"type": "string"}},
        "required": ["code", "message"],
    },
}
"""Schemas in which Discord's document contradicts Discord and its own documentation pages."""


@cache
def document() -> Mapping[str, Any]:
    """Return the whole table: ``operations`` and ``schemas``."""
    text = (files("nescord_core.discord_api") / "contract.json").read_bytes()
    table: Mapping[str, Any] = msgspec.json.decode(text)
    return {**table, "schemas": {**table["schemas"], **CORRECTIONS}}


def schemas() -> Mapping[str, Schema]:
    """Return the shared schemas by name."""
    shared: Mapping[str, Schema] = document()["schemas"]
    return shared


@cache
def operations() -> Mapping[str, Operation]:
    """Return all operations by operationId."""
    return {name: _operation(name, row) for name, row in document()["operations"].items()}


def match(method: str, path: str) -> tuple[Operation, Mapping[str, str]] | None:
    """Find the operation of a request and the values in its path.

    ``path`` has no version prefix and no query: ``/channels/1/messages``. Of several templates that fit,
    the one with the most literal segments wins, so that ``.../messages/pins`` is not a message id.
    """
    given = tuple(map(_written_out, path.strip("/").split("/")))
    best: tuple[int, Operation, Mapping[str, str]] | None = None
    for operation in _by_shape().get((method.upper(), len(given)), ()):
        values = _fit(operation.segments, given)
        if values is not None:
            literal = sum(a == b for a, b in zip(operation.segments, given, strict=True))
            if best is None or literal > best[0]:
                best = (literal, operation, values)
    return None if best is None else best[1:]


def _written_out(segment: str) -> str:
    """Return ``%40me``, which discord.js sends, as the document has it; other segments as they are."""
    return unquote(segment) if segment in ESCAPED else segment


@cache
def _by_shape() -> Mapping[tuple[str, int], tuple[Operation, ...]]:
    shapes: dict[tuple[str, int], tuple[Operation, ...]] = {}
    for operation in operations().values():
        shape = (operation.method, len(operation.segments))
        shapes[shape] = (*shapes.get(shape, ()), operation)
    return shapes


_TEMPLATE = re.compile(r"\{(\w+)\}(.*)")


def _fit(template: tuple[str, ...], given: tuple[str, ...]) -> dict[str, str] | None:
    values: dict[str, str] = {}
    for expected, actual in zip(template, given, strict=True):
        if placeholder := _TEMPLATE.fullmatch(expected):
            if not actual:
                return None
            values[placeholder[1]] = actual
        elif expected != actual:
            return None
    return values


def _operation(name: str, row: Mapping[str, Any]) -> Operation:
    return Operation(
        operation_id=name,
        method=row["method"],
        path=row["path"],
        parameters=tuple(
            Parameter(p["name"], p["in"], p["schema"], p.get("required", False)) for p in row["parameters"]
        ),
        request=row.get("request", {}),
        responses=row["responses"],
        security=tuple(row["security"]),
        segments=tuple(row["path"].strip("/").split("/")),
    )
