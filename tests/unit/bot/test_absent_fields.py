"""The sentence on the field of a payload that was None."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from nescord_core.bot.absent_fields import absent_field
from nescord_core.payloads import Message


def nested(message: Any) -> Any:
    print(message.id)
    return message.referenced_message.author.username


def called(message: Any) -> Any:
    return message.author.get("name")


def of_something_else(message: Any) -> Any:
    return SimpleNamespace(author=None, message=message).author.username


def of_a_name(message: Any) -> Any:
    author = message.author
    return author.username


def not_of_none(message: Any) -> Any:
    return message.contnt


@pytest.mark.parametrize(
    ("function", "raw", "sentence"),
    [
        (
            nested,
            {"referenced_message": {"id": "1"}},
            "message.referenced_message.author is None: 'author' is absent in this Message.",
        ),
        (
            nested,
            {"referenced_message": None},
            "message.referenced_message is None: 'referenced_message' is null in this Message.",
        ),
        (called, {}, "message.author is None: 'author' is absent in this Message."),
        (of_something_else, {}, ""),
        (of_a_name, {}, ""),
        (not_of_none, {}, ""),
    ],
)
def test_it_names_the_field_that_was_read(
    function: Callable[[Any], Any], raw: dict[str, Any], sentence: str
) -> None:
    with pytest.raises(AttributeError) as caught:
        function(Message(raw))
    assert absent_field(caught.value) == sentence


def test_an_error_that_was_never_raised_or_has_no_source() -> None:
    assert absent_field(AttributeError("x", name="x", obj=None)) == ""
    with pytest.raises(AttributeError) as caught:
        exec("message.author.username", {"message": Message({})})
    assert absent_field(caught.value) == ""
    assert absent_field(ValueError()) == ""
