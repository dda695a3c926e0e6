#!/usr/bin/env python
"""Derive nescord_core/discord_api/contract.json from Discord's OpenAPI document.

With the DOCUMENT it writes the table; with --check it fails if the committed table is stale.

The table contains what validation needs (operations, parameters, schemas), without the prose, and the names
of enumerated values.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

OUTPUT = Path(__file__).parent.parent / "nescord_core" / "discord_api" / "contract.json"
METHODS = ("get", "post", "put", "patch", "delete")
PROSE = ("description", "title", "example", "examples", "externalDocs", "deprecated", "x-discord-union")
Json = Mapping[str, Any]


def slim(node: Any, *, names: bool = False) -> Any:
    """Drop prose and extensions; `names` is true if the keys are field names, not schema keywords."""
    if isinstance(node, list):
        return [slim(item) for item in node]
    if not isinstance(node, dict):
        return node
    slimmed: dict[str, Any] = {}
    for key, value in node.items():
        if not names and (key in PROSE or key.startswith("x-")):
            continue
        slimmed[key] = slim(value, names=key == "properties" and not names)
    return constants(slimmed)


def constants(schema: dict[str, Any]) -> dict[str, Any]:
    """Convert `oneOf: [{const: 1}, {const: 2}]`, the form of a documented enum, to `enum: [1, 2]`."""
    choices = schema.get("oneOf")
    if isinstance(choices, list) and choices and all(set(c) == {"const"} for c in choices):
        return {k: v for k, v in schema.items() if k != "oneOf"} | {"enum": [c["const"] for c in choices]}
    return schema


def enumerated(schema: Json) -> dict[str, Any]:
    """Return the values of a documented enum by their names, in order of value."""
    choices = [choice for choice in schema.get("oneOf", ()) if "const" in choice and "title" in choice]
    return {choice["title"]: choice["const"] for choice in sorted(choices, key=lambda each: each["const"])}


def references(node: Any) -> Iterator[str]:
    """Yield the names of component schemas that a node refers to."""
    if isinstance(node, dict):
        if isinstance(ref := node.get("$ref"), str):
            yield ref.rsplit("/", 1)[1]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for item in node:
            yield from references(item)


def closure(roots: Iterable[str], schemas: Json) -> set[str]:
    """Return all component schemas reachable from the roots."""
    seen: set[str] = set()
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name not in seen:
            seen.add(name)
            queue += references(schemas[name])
    return seen


def parameters(path_item: Json, operation: Json) -> list[dict[str, Any]]:
    merged = {
        (p["in"], p["name"]): p for p in (*path_item.get("parameters", []), *operation.get("parameters", []))
    }
    return [
        {"name": p["name"], "in": p["in"], "schema": slim(p["schema"])}
        | ({"required": True} if p.get("required") else {})
        for p in merged.values()
    ]


def contents(document: Json, holder: Json) -> dict[str, Any]:
    if ref := holder.get("$ref"):
        holder = document["components"]["responses"][ref.rsplit("/", 1)[1]]
    return {kind: slim(body.get("schema", {})) for kind, body in holder.get("content", {}).items()}


def operation_row(document: Json, path: str, method: str) -> dict[str, Any]:
    item = document["paths"][path]
    operation = item[method]
    row: dict[str, Any] = {
        "method": method.upper(),
        "path": path,
        "parameters": parameters(item, operation),
        "security": sorted({name for scheme in operation.get("security", []) for name in scheme}),
        "responses": {
            status: contents(document, response)
            for status, response in operation["responses"].items()
            if status not in ("429", "4XX")
        },
    }
    if body := operation.get("requestBody"):
        row["request"] = contents(document, body)
    return row


def derive(document: Json) -> dict[str, Any]:
    """Return the whole table."""
    operations = {
        item[method]["operationId"]: operation_row(document, path, method)
        for path, item in document["paths"].items()
        for method in METHODS
        if method in item
    }
    schemas = {name: slim(schema) for name, schema in document["components"]["schemas"].items()}
    used = closure([*references(operations), "ErrorResponse", "RatelimitedResponse"], schemas)
    enums = {name: enumerated(document["components"]["schemas"][name]) for name in sorted(used)}
    return {
        "operations": dict(sorted(operations.items())),
        "schemas": {name: schemas[name] for name in sorted(used)},
        "enums": {name: values for name, values in enums.items() if values},
    }


def render(table: Json) -> str:
    """Render one operation or schema per line, so that changes of Discord's API give small diffs."""
    parts = []
    for section, rows in table.items():
        lines = [f"{json.dumps(k)}:{json.dumps(v, separators=(',', ':'))}" for k, v in rows.items()]
        parts.append(f'"{section}":{{\n' + ",\n".join(lines) + "\n}")
    text = "{\n" + ",\n".join(parts) + "\n}\n"
    return re.sub(r"#/components/schemas/", "#/schemas/", text)


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    arguments.add_argument("document", type=Path)
    arguments.add_argument("--check", action="store_true")
    options = arguments.parse_args()
    text = render(derive(json.loads(options.document.read_text())))
    if not options.check:
        OUTPUT.write_text(text)
    elif OUTPUT.read_text() != text:
        print(f"{OUTPUT.name} is stale; run .ci/contract.py DOCUMENT.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
