from __future__ import annotations

from typing import Any

import pytest

from nescord_core.discord_api import contract
from nescord_core.sandbox.http.validation import check_body, check_path, check_query, invalid_form


def problems(operation: str, body: Any, *files: str) -> dict[str, str]:
    """Return the codes found, by dotted path."""
    found: dict[str, str] = {}

    def walk(node: Any, path: str) -> None:
        for key, value in node.items():
            if key == "_errors":
                found[path] = value[0]["code"]
            else:
                walk(value, f"{path}.{key}".lstrip("."))

    walk(check_body(contract.operations()[operation], body, files), "")
    return found


BUTTON = {"type": 2, "style": 1, "custom_id": "a", "label": "x"}


@pytest.mark.parametrize(
    "body",
    [
        {"content": "hi"},
        {"content": "x" * 2000, "nonce": 7, "tts": False, "unknown": 1},
        {"message_reference": {"message_id": 123}, "flags": "64"},
        {"components": [{"type": 1, "components": [BUTTON]}]},
        {"embeds": [{"timestamp": "2024-01-01T00:00:00Z", "image": {"url": "attachment://a.png"}}]},
        {"content": None, "embeds": None},
    ],
)
def test_what_real_clients_send_passes(body: Any) -> None:
    assert problems("create_message", body) == {}


@pytest.mark.parametrize(
    ("body", "found"),
    [
        ({"content": "x" * 2001}, {"content": "BASE_TYPE_MAX_LENGTH"}),
        ({"content": ["x"]}, {"content": "STRING_TYPE_CONVERT"}),
        ({"tts": "no"}, {"tts": "BOOLEAN_TYPE_CONVERT"}),
        ({"embeds": {}}, {"embeds": "LIST_TYPE_CONVERT"}),
        ({"embeds": [1]}, {"embeds.0": "DICT_TYPE_CONVERT"}),
        ({"embeds": [{"title": "t" * 257}]}, {"embeds.0.title": "BASE_TYPE_MAX_LENGTH"}),
        ({"embeds": [{"fields": [{"name": "n"}]}]}, {"embeds.0.fields.0.value": "BASE_TYPE_REQUIRED"}),
        ({"embeds": [{"color": 1 << 24}]}, {"embeds.0.color": "NUMBER_TYPE_MAX"}),
        ({"embeds": [{"timestamp": "soon"}]}, {"embeds.0.timestamp": "DATE_TIME_TYPE_PARSE"}),
        ({"embeds": [{"url": "nowhere"}]}, {"embeds.0.url": "URL_TYPE_INVALID_URL"}),
        ({"embeds": [{}] * 11}, {"embeds": "BASE_TYPE_MAX_LENGTH"}),
        ({"flags": "many"}, {"flags": "NUMBER_TYPE_COERCE"}),
        ({"sticker_ids": ["x"]}, {"sticker_ids.0": "NUMBER_TYPE_COERCE"}),
        ({"message_reference": {"message_id": "x"}}, {"message_reference.message_id": "NUMBER_TYPE_COERCE"}),
        ({"components": [{"type": 99}]}, {"components.0.type": "UNION_TYPE_CHOICES"}),
        ([1], {"": "DICT_TYPE_CONVERT"}),
    ],
)
def test_problems_are_named(body: Any, found: dict[str, str]) -> None:
    assert problems("create_message", body) == found


def test_missing_required_fields_of_a_command() -> None:
    assert problems("create_application_command", {"description": "d"}) == {"name": "BASE_TYPE_REQUIRED"}
    assert problems("bulk_set_application_commands", [{"name": ""}]) == {"0.name": "BASE_TYPE_BAD_LENGTH"}


@pytest.mark.parametrize("value", ["text", 5, 0.5])
def test_branches_that_differ_deep_inside(value: object) -> None:
    answer = {"type": 8, "data": {"choices": [{"name": "a", "value": value}]}}
    assert problems("create_interaction_response", answer) == {}
    assert problems("create_interaction_response", {"type": 8, "data": {"choices": [{"name": "a"}]}}) != {}


def test_a_field_is_checked_by_the_branches_that_have_it() -> None:
    assert problems("update_channel", {"rate_limit_per_user": 99_999}) != {}
    assert problems("update_channel", {"rate_limit_per_user": 5, "name": "n"}) == {}
    invite = {"max_age": 0, "max_uses": 0, "temporary": False, "unique": True}
    assert problems("create_channel_invite", invite) == {}


def test_a_required_file_may_come_as_a_part() -> None:
    fields = {"name": "dot", "description": "a dot", "tags": "dot"}
    assert problems("create_guild_sticker", fields) == {"file": "BASE_TYPE_REQUIRED"}
    assert problems("create_guild_sticker", fields, "file") == {}


def test_query_and_path() -> None:
    operation = contract.operations()["list_messages"]
    found = check_query(operation, {"limit": "101", "before": "x", "other": "y"})
    assert found["limit"]["_errors"][0]["message"] == "int value should be less than or equal to 100."
    assert found["before"]["_errors"][0]["message"] == 'Value "x" is not snowflake.'
    assert check_query(operation, {"limit": "100", "after": "0"}) == {}
    assert set(check_path(operation, {"channel_id": "general"})) == {"channel_id"}
    assert check_path(operation, {"channel_id": "123"}) == {}


def test_the_whole_error_is_discords() -> None:
    body = invalid_form(check_body(contract.operations()["create_message"], {"content": "x" * 2001}))
    detail = {"code": "BASE_TYPE_MAX_LENGTH", "message": "Must be 2000 or fewer in length."}
    assert body == {
        "message": "Invalid Form Body",
        "code": 50035,
        "errors": {"content": {"_errors": [detail]}},
    }
