from __future__ import annotations

from typing import Any

from nescord_core.discord_api import contract
from nescord_core.discord_api.schema import shape_of
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
    assert shown["discriminator"] == ""
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
    assert (shown["member"], shown["guild_id"]) == ({"nick": "A"}, "2")
    assert shown["attachments"] == []
    unknown = {"anything": 1}
    assert complete_event("SOMETHING_NEW", unknown) is unknown
    guild = complete_event("GUILD_CREATE", {"id": "2", "members": [{"user": user()}], "channels": []})
    assert guild["members"][0]["flags"] == 0
    assert guild["nsfw_level"] == 0


def test_an_operation_without_json_is_left_as_it_is() -> None:
    assert complete_answer(contract.operations()["delete_message"], 204, None) is None
