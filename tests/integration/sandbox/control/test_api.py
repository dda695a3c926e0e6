"""Errors and settings of the control API, on real sockets."""

from __future__ import annotations

from typing import Any

import pytest

from nescord_core.events import Intents
from nescord_core.settings import SANDBOX_TOKEN as TOKEN
from support.sandbox.raw_gateway import RawGateway
from support.sandbox.running import RunningSandbox, rest

ALL = Intents.all().value


@pytest.mark.parametrize(
    ("method", "path", "body", "words"),
    [
        ("POST", "/say", {"channel": "generl", "user": "alice", "content": "x"}, ["#general", "#random"]),
        ("POST", "/say", {"channel": "general", "user": "alcie", "content": "x"}, ["alice", "bob"]),
        ("POST", "/say", {"channel": "general"}, ["user", "content?"]),
        ("POST", "/say", {"channel": "general", "user": "alice", "text": "x"}, ["text", "content?"]),
        ("POST", "/say", {"channel": ["general"], "user": "alice"}, ["channel"]),
        ("POST", "/say", [], ["JSON object"]),
        ("POST", "/react", {"channel": "general", "message": "5", "user": "bob", "emoji": "x"}, ["5"]),
        ("POST", "/shout", {}, ["/say", "/wait"]),
        ("GET", "/say", None, ["/say", "POST"][:1]),
        ("POST", "/wait", {"content": "x"}, ["channel", "regex"]),
        ("POST", "/wait", {"channel": "general", "regex": "("}, ["regex"]),
        ("POST", "/wait", {"channel": "general", "timeout": 1000}, ["120"]),
        ("POST", "/load", {"rate": 5}, ["seconds", "guilds"]),
        ("POST", "/load", {"rate": 0, "seconds": 1}, ["greater than 0"]),
        ("GET", "/load", None, ["POST /sandbox/load"]),
        ("POST", "/fault", {"gatway": {}}, ["gateway, rest, connections"]),
        ("POST", "/fault", {"gateway": {"silent": "x"}}, ["nowhere, resume, everywhere"]),
        ("POST", "/fault", {"connections": {"do": "x"}}, ["reset, close, reconnect, invalid_session"]),
        ("POST", "/fault", {"connections": {"do": "close", "code": 1006}}, ["3000 to 4999"]),
        ("POST", "/settings", {"token": "x"}, ["heartbeat_interval"]),
        ("POST", "/settings", {"disallowed_intents": "guild_membrs"}, ["guild_members"]),
        ("POST", "/channels", {"name": "x", "kind": "txt"}, ["text"]),
        ("DELETE", "/guilds/nowhere", None, ["Sandbox"]),
    ],
)
async def test_errors_name_the_valid_values(
    sandbox: RunningSandbox, method: str, path: str, body: Any, words: list[str]
) -> None:
    sentence = await sandbox.refused(method, path, body)
    for word in words:
        assert word in sentence


async def test_gateway_bot_gives_the_url_of_this_very_socket(sandbox: RunningSandbox) -> None:
    _, answer = await rest(sandbox, "GET", "/gateway/bot")
    assert answer["url"] == sandbox.gateway_url
    assert answer["shards"] == 1
    assert answer["session_start_limit"]["max_concurrency"] == 1


async def test_settings_change_what_the_gateway_allows(sandbox: RunningSandbox) -> None:
    changed = await sandbox.post("/settings", disallowed_intents="message_content", heartbeat_interval=20)
    assert changed["disallowed_intents"] == ["message_content"]
    async with RawGateway(sandbox.gateway_url) as bot:
        assert (await bot.receive())["d"]["heartbeat_interval"] == 20_000
        await bot.send(2, {"token": TOKEN, "intents": ALL, "properties": {}})
        assert await bot.closed() == 4014
    assert (await sandbox.get("/settings"))["heartbeat_interval"] == 20
