"""A keyword that an operation does not have."""

from __future__ import annotations

from typing import Any

import pytest

from nescord_core import RestClient

REST = RestClient("token", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (
            lambda call: REST.create_message(1, **call("contnt")),
            r"create_message\(\) has no field 'contnt'; did you mean 'content'\?",
        ),
        (
            lambda call: REST.ban_user_from_guild(1, 2, **call("delete_message_day")),
            r"ban_user_from_guild\(\) has no field .*'delete_message_days'",
        ),
        (
            lambda call: REST.list_messages(1, **call("befor")),
            r"list_messages\(\) .* did you mean 'before'",
        ),
        (lambda call: REST.get_channel(1, **call("timeot")), r"get_channel\(\) .* did you mean 'timeout'\?"),
        (lambda call: REST.create_message(1, **call("qqqq")), r"create_message\(\) .* extra=\{"),
        (lambda call: REST.request("GET", "/x", **call("param")), r"request\(\) .* did you mean 'params'\?"),
    ],
)
async def test_it_is_an_error_with_the_nearest_name(call: Any, text: str) -> None:
    with pytest.raises(TypeError, match=text):
        await call(lambda name: {name: 1})
