"""The generated client covers every operation, path parameter and query parameter of the API."""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nescord_core.discord_api import contract
from nescord_core.discord_api.contract import Operation
from nescord_core.rest.client.operations import Operations

ROOT = Path(__file__).parents[4]
ALL = sorted(contract.operations().values(), key=lambda operation: operation.operation_id)


class Recorder(Operations):
    """Records what would be sent."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str, dict[str, Any]]] = []

    async def _fetch(self, method: str, path: str, **request: Any) -> Any:
        self.calls.append((method, path, request))
        return None if request.get("query") is None else {}


def method_of(operation: Operation) -> inspect.Signature:
    return inspect.signature(getattr(Operations, operation.operation_id))


@pytest.mark.filterwarnings("ignore:Discord has deprecated:DeprecationWarning")
@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.operation_id)
async def test_a_call_reaches_the_route_with_every_argument_in_its_place(operation: Operation) -> None:
    parameters = list(method_of(operation).parameters.values())[1:]
    positional = [p for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "body"]
    wire = [p.name for p in operation.parameters if p.location == "path"]
    assert len(positional) == len(wire)
    values = [str(1000 + n) for n in range(len(wire))]
    keywords = [p.name for p in parameters if p.kind is p.KEYWORD_ONLY]
    by_keyword: dict[str, Any] = {name: f"value of {name}" for name in keywords}
    special: dict[str, Any] = {"files": [b""], "extra": {"new_field": 1}, "reason": "why"}
    by_keyword |= {name: special[name] for name in special if name in by_keyword}
    whole = [["body"]] if any(p.name == "body" for p in parameters) else []
    recorder = Recorder()
    try:
        await getattr(recorder, operation.operation_id)(*values, *whole, **by_keyword)
    except TypeError:
        assert "bytes" in str(method_of(operation).return_annotation)  # the recorder answers with JSON only
    (method, path, request) = recorder.calls[0]
    expected = operation.path
    for name, value in zip(wire, values, strict=True):
        expected = expected.replace(f"{{{name}}}", value)
    assert (method, path) == (operation.method, expected)
    query = {p.name for p in operation.parameters if p.location == "query"}
    assert set(request.get("query") or ()) == query
    assert all(str(v).startswith("value of") for v in (request.get("query") or {}).values())


def test_there_is_a_method_for_each_of_the_242_operations_and_no_other() -> None:
    public = {name for name in dir(Operations) if not name.startswith("_")}
    assert public == set(contract.operations())
    assert len(public) == 242


@pytest.mark.parametrize("operation", ALL, ids=lambda operation: operation.operation_id)
def test_every_field_of_a_json_body_is_an_argument(operation: Operation) -> None:
    source = inspect.getsource(getattr(Operations, operation.operation_id))
    schema = operation.request.get("application/json")
    if schema is None:
        assert "json=" not in source
        return
    for name in fields_of(schema):
        assert re.search(rf"[\"']{re.escape(name)}[\"']:", source), f"{operation.operation_id} lacks {name}"


def fields_of(schema: Any) -> set[str]:
    if ref := schema.get("$ref"):
        return fields_of(contract.schemas()[ref.rsplit("/", 1)[1]])
    found = set(schema.get("properties", ()))
    for part in (*schema.get("allOf", ()), *schema.get("oneOf", ()), *schema.get("anyOf", ())):
        found |= fields_of(part)
    return found


def test_the_committed_methods_are_what_the_table_gives() -> None:
    script = ROOT / ".ci" / "operations.py"
    done = subprocess.run([sys.executable, script, "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_answer_with_fields_has_a_class() -> None:
    plain = {
        name
        for name in contract.operations()
        if "Payload" in str(inspect.signature(getattr(Operations, name)).return_annotation)
    }
    # An object without fields, and one whose keys are ids of roles.
    assert plain == {"trigger_typing_indicator", "guild_role_member_counts"}


def test_every_operation_says_what_it_does_and_where_discord_describes_it() -> None:
    for operation in ALL:
        text = inspect.getdoc(getattr(Operations, operation.operation_id))
        assert text is not None
        assert f": ``{operation.method} {operation.path}``." in text
    documented = [op for op in ALL if "https://" in (getattr(Operations, op.operation_id).__doc__ or "")]
    assert len(documented) >= 222
    ban = inspect.getdoc(Operations.ban_user_from_guild)
    assert ban is not None
    assert "Create Guild Ban" in ban
    assert "Permissions: BAN_MEMBERS." in ban


async def test_a_route_that_discord_has_replaced_warns_and_names_the_other() -> None:
    with pytest.warns(DeprecationWarning, match=r"deprecated this route; use create_pin\."):
        await Recorder().deprecated_create_pin(1, 2)
