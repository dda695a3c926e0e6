"""Checks responses against Discord's OpenAPI document, and gateway events against their documentation."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from nescord_core.discord_api import contract
from nescord_core.sandbox.world.event_schemas import EVENT_SCHEMAS

__all__ = ["check", "check_event"]

_BASE = "urn:contract"


def check(method: str, path: str, status: int, body: Any) -> list[str]:
    """Return the violations in a JSON response, a line each; empty if it conforms.

    ``path`` has no version prefix and no query. Errors (4xx) are held against the document's error schema.
    """
    found = contract.match(method, path)
    if found is None:
        return [] if status == 404 else [f"{method} {path} is not in the document, yet answered {status}"]
    operation, _ = found
    if status >= 400:
        schema_path = "/schemas/RatelimitedResponse" if status == 429 else "/schemas/ErrorResponse"
        return _violations(schema_path, body) if status < 500 else []
    if body is None and not operation.responses.get(str(status), {}):
        return [] if str(status) in operation.responses else [f"{operation.operation_id}: no status {status}"]
    if operation.response_schema(status) is None:
        return [f"{operation.operation_id}: the document has no JSON answer with status {status}"]
    pointer = f"/operations/{operation.operation_id}/responses/{status}/application~1json"
    return [f"{operation.operation_id}: {line}" for line in _violations(pointer, body)]


def check_event(event: str, payload: Any) -> list[str]:
    """Return the violations in a gateway event; empty if it conforms."""
    if event not in EVENT_SCHEMAS:
        return [f"{event}: the sandbox has no schema for it"]
    return [f"{event}: {line}" for line in _violations(f"/events/{event}", payload)]


def _violations(pointer: str, body: Any) -> list[str]:
    return [line for error in _validator(pointer).iter_errors(body) for line in _lines(error)]


def _lines(error: ValidationError) -> Iterator[str]:
    where = "/".join(str(part) for part in error.absolute_path) or "(body)"
    if error.context:
        # A union failed: show the branch that came nearest, the one with the fewest complaints.
        branches: dict[Any, list[ValidationError]] = {}
        for inner in error.context:
            branches.setdefault(inner.schema_path[0], []).append(inner)
        for inner in min(branches.values(), key=len):
            yield from _lines(inner)
    else:
        yield f"{where}: {error.message[:300]}"


@cache
def _validator(pointer: str) -> Draft202012Validator:
    resource = Resource.from_contents(
        {"$id": _BASE, **contract.document(), "events": EVENT_SCHEMAS}, default_specification=DRAFT202012
    )
    registry: Registry[Any] = Registry().with_resource(_BASE, resource)
    return Draft202012Validator(
        {"$ref": f"{_BASE}#{pointer}"}, registry=registry, format_checker=FormatChecker()
    )
