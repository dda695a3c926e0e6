"""Whatever a script sends to the control API is answered with a sentence, never with a 500."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

import pytest

from nescord_core.sandbox.control.actions import ACTIONS, INTERACTION_ACTIONS
from support.sandbox.odd_values import ODD_VALUES
from support.sandbox.running import RunningSandbox

VALUES: list[Any] = [*ODD_VALUES, "general", "alice"]
USUAL = {"channel": "general", "user": "alice", "content": "x", "message": "1", "name": "n"}
OTHER_FIELDS = {
    "/wait": ("author", "channel", "content", "after", "pattern"),
    "/load": ("rate", "seconds", "mix", "users", "guilds", "channels", "size", "seed"),
    "/fault": ("gateway", "rest", "connections"),
    "/notice": ("text",),
    "/settings": ("heartbeat_interval", "window"),
    "/voice": ("user", "channel", "guild", "mute", "deaf"),
}

Sent = tuple[str, str, dict[str, Any]]
"""(method, path, body)"""


async def known_fields(sandbox: RunningSandbox, method: str, path: str) -> list[str]:
    """Return the fields that an action takes, from the sentence that refuses an unknown one."""
    sentence = await sandbox.refused(method, path, {"no such field": 1})
    return [each.rstrip("?.") for each in sentence.rpartition("It takes: ")[2].split(", ")]


async def odd_actions(sandbox: RunningSandbox) -> list[Sent]:
    requests: list[Sent] = []
    for action in ACTIONS:
        path = action.path
        for inside in ("guild", "channel", "role"):
            path = path.replace(f"{{{inside}}}", "general")
        names = await known_fields(sandbox, action.method, path)
        usual = {name: USUAL.get(name, "x") for name in names if name != "guild"}
        extra = ("unknown", "wait") if action.name in INTERACTION_ACTIONS else ("unknown",)
        for name, odd in itertools.product((*names, *extra), VALUES):
            requests.append((action.method, path, {**usual, name: odd}))
    return requests


def other_requests() -> Iterator[Sent]:
    for path, names in OTHER_FIELDS.items():
        usual = {"channel": "general", "timeout": 0} if path == "/wait" else {}
        for name, odd in itertools.product(names, VALUES):
            yield "POST", path, {**usual, name: odd}


async def test_no_odd_value_is_a_500(sandbox: RunningSandbox) -> None:
    requests = [*await odd_actions(sandbox), *other_requests()]
    assert len(requests) > 2000
    failed = []
    for method, path, body in requests:
        status, answer = await sandbox.call(method, path, body)
        if status >= 500 or (status >= 400 and not answer["error"]):
            failed.append((method, path, body))
    assert failed == []


@pytest.mark.parametrize(
    "data", ["[" * 5000, '{"a":' * 200 + "1" + "}" * 200, "\ud800", "{", "5", '"x"', "\0"]
)
async def test_a_body_that_is_no_object_is_a_400(sandbox: RunningSandbox, data: str) -> None:
    for path in ("say", "wait", "load", "fault", "settings"):
        raw = data.encode("utf-8", "surrogatepass")
        async with sandbox.http.post(f"{sandbox.url}/sandbox/{path}", data=raw) as answer:
            assert answer.status == 400
            assert "The body" in (await answer.json())["error"]


async def test_a_number_with_thousands_of_digits_is_a_400(sandbox: RunningSandbox) -> None:
    digits = "9" * 5000
    for path, name in (("messages", "after"), ("messages", "limit"), ("state", "limit"), ("state", "tail")):
        status, answer = await sandbox.call("GET", f"/{path}", None, channel="general", **{name: digits})
        assert (status, name in answer["error"]) == (400, True)
    assert "interaction" in await sandbox.refused("GET", f"/interactions/{digits}")


async def test_a_frame_nested_too_deep_is_a_decode_error(sandbox: RunningSandbox) -> None:
    async with sandbox.http.ws_connect(f"{sandbox.gateway_url}?v=10&encoding=json") as socket:
        await socket.receive()
        await socket.send_str(json.dumps({"op": 1}).replace("1", "[" * 2000 + "]" * 2000))
        await socket.receive()
        assert socket.close_code == 4002
