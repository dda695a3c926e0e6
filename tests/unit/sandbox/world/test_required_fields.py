from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from nescord_core.discord_api import contract
from nescord_core.discord_api.schema import Shape, shape_of
from nescord_core.sandbox.world.required_fields import complete, complete_answer, complete_event


def user(**fields: Any) -> dict[str, Any]:
    return {"id": "1", "username": "al", **fields}


def completed(name: str, value: Any) -> Any:
    return complete(value, shape_of(contract.schemas()[name]))


def test_required_fields_are_filled_in_and_the_given_object_is_left_alone() -> None:
    given = user(extra=1)
    shown = completed("UserResponse", given)
    assert shown["extra"] == 1
    assert shown["primary_guild"] is None
    assert shown["discriminator"] == "0"
    assert shown["flags"] == 0
    assert given == user(extra=1)


def test_a_null_where_none_may_be_is_left_out() -> None:
    shown = completed("MessageResponse", {"nonce": None, "edited_timestamp": None, "author": user()})
    assert "nonce" not in shown
    assert shown["edited_timestamp"] is None
    assert shown["author"]["public_flags"] == 0


def test_numbers_for_ids_come_back_as_text() -> None:
    assert completed("UserResponse", user(id=5))["id"] == "5"


def test_unions_take_the_branch_that_fits() -> None:
    operation = contract.operations()["get_channel"]
    thread = complete_answer(operation, 200, {"id": "1", "type": 11, "guild_id": "2", "name": "t"})
    channel = complete_answer(operation, 200, {"id": "1", "type": 0, "guild_id": "2", "name": "c"})
    assert "thread_metadata" in thread
    assert "thread_metadata" not in channel


def test_events_keep_what_only_events_have() -> None:
    message = {"id": "1", "author": user(), "member": {"nick": "A"}, "guild_id": "2"}
    shown = complete_event("MESSAGE_CREATE", message)
    assert (shown["member"]["nick"], shown["guild_id"]) == ("A", "2")
    assert "user" not in shown["member"]
    assert shown["attachments"] == []
    unknown = {"anything": 1}
    assert complete_event("SOMETHING_NEW", unknown) is unknown
    guild = complete_event("GUILD_CREATE", {"id": "2", "members": [{"user": user()}], "channels": []})
    assert guild["members"][0]["flags"] == 0
    assert guild["nsfw_level"] == 0


def test_an_events_nulls_are_left_out_where_none_may_be() -> None:
    nulls = {"target_id": None, "options": None, "reason": None, "changes": None}
    entry = {"id": "1", "action_type": 110, "user_id": "2", "guild_id": "3", **nulls}
    kept = {"id": "1", "action_type": 110, "user_id": "2", "guild_id": "3", "target_id": None}
    assert complete_event("GUILD_AUDIT_LOG_ENTRY_CREATE", entry) == kept


def test_objects_by_id_are_completed() -> None:
    asked = {"data": {"resolved": {"users": {"1": user()}}}, "member": {"user": user()}}
    shown = complete_event("INTERACTION_CREATE", asked)
    assert shown["data"]["resolved"]["users"]["1"]["primary_guild"] is None
    assert shown["member"]["user"]["primary_guild"] is None


def response_shapes() -> Iterator[tuple[str, Shape]]:
    for operation in contract.operations().values():
        for status in operation.responses:
            if status.isdecimal() and (schema := operation.response_schema(int(status))) is not None:
                yield operation.operation_id, shape_of(schema)


def required_texts(shape: Shape, seen: set[int]) -> Iterator[tuple[str, Shape]]:
    """Yield the objects within a shape, each with the name of a text that it requires."""
    if id(shape) in seen:
        return
    seen.add(id(shape))
    for name, field in shape.fields.items():
        if name in shape.required and "string" in field.kinds and not field.nullable:
            yield name, shape
        yield from required_texts(field, seen)
    items = [shape.items] if "array" in shape.kinds else []
    for each in (*shape.branches, *items, *([shape.extra] if shape.extra else [])):
        yield from required_texts(each, seen)


def test_no_required_text_is_filled_with_an_empty_one_unless_nobody_has_written_it() -> None:
    seen: set[int] = set()
    found = {
        (operation, name): complete({}, shape)[name]
        for operation, response in response_shapes()
        for name, shape in required_texts(response, seen)
    }
    assert len(found) > 100
    assert {name for (_, name), text in found.items() if text == ""} <= {"content", "description", "tags"}
    assert completed("MessageEmbedResponse", {"title": "x"})["type"] == "rich"


def test_an_operation_without_json_is_left_as_it_is() -> None:
    assert complete_answer(contract.operations()["delete_message"], 204, None) is None
