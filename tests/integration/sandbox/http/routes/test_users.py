"""Users' OAuth2 tokens: their access, and operations for bots or users only."""

from __future__ import annotations

import pytest

from nescord_core.sandbox.world.lookup import ActionError
from support.sandbox.running_rest import (
    Rest,
    bearer,
)


async def test_a_token_shows_its_user_and_only_what_was_granted(rest: Rest) -> None:
    alice = bearer(rest, "alice", "identify email guilds")
    me = await rest.ok("GET", "/users/@me", **alice)
    assert (me["username"], me["email"]) == ("alice", "alice@sandbox.invalid")
    assert [each["name"] for each in await rest.ok("GET", "/users/@me/guilds", **alice)] == ["Sandbox"]
    refused = await rest.call("GET", "/users/@me/connections", expect=403, **alice)
    assert refused.body["code"] == 50026
    await rest.call("GET", "/guilds/1", expect=401, **alice)
    shown = await rest.ok("GET", "/oauth2/@me", **alice)
    assert shown["scopes"] == ["email", "guilds", "identify"]
    assert shown["user"]["username"] == "alice"


async def test_a_token_that_has_expired_is_no_token(rest: Rest) -> None:
    alice = bearer(rest, "alice", "identify")
    rest.world.model.advance_clock(700_000)
    await rest.call("GET", "/users/@me", expect=401, **alice)


async def test_bots_cannot_be_users(rest: Rest) -> None:
    app = rest.world.application_id
    for path in (
        "/users/@me/connections",
        "/oauth2/userinfo",
        f"/users/@me/applications/{app}/role-connection",
    ):
        assert (await rest.call("GET", path, expect=403)).body["code"] == 20001
    assert (await rest.ok("GET", "/oauth2/@me"))["scopes"] == ["bot"]


async def test_identity_connections_and_membership(rest: Rest) -> None:
    bob = bearer(rest, "bob", "openid identify connections guilds.members.read")
    rest.world.link_account("bob", "github", "bobcat")
    assert (await rest.ok("GET", "/oauth2/userinfo", **bob))["preferred_username"] == "bob"
    assert [each["name"] for each in await rest.ok("GET", "/users/@me/connections", **bob)] == ["bobcat"]
    path = f"/users/@me/guilds/{rest.world.guild_ids()[0]}/member"
    assert (await rest.ok("GET", path, **bob))["user"]["username"] == "bob"


async def test_role_connections(rest: Rest) -> None:
    app = rest.world.application_id
    rows = [{"type": 1, "key": "level", "name": "Level", "description": "Level reached"}]
    await rest.ok("PUT", f"/applications/{app}/role-connections/metadata", rows)
    alice = bearer(rest, "alice", "role_connections.write")
    path = f"/users/@me/applications/{app}/role-connection"
    body = {"platform_name": "Game", "metadata": {"level": "12"}}
    assert (await rest.ok("PUT", path, body, **alice))["metadata"] == {"level": "12"}
    assert (await rest.ok("GET", path, **alice))["platform_name"] == "Game"
    await rest.call("PUT", path, {"metadata": {"speed": "1"}}, expect=400, **alice)
    await rest.ok("DELETE", path, **alice)
    assert (await rest.ok("GET", path, **alice))["metadata"] == {}


async def test_there_are_no_groups(rest: Rest) -> None:
    lacking = await rest.call("POST", "/users/@me/channels", {"access_tokens": ["a"]}, expect=501)
    assert "access_tokens" in lacking.body["message"]
    channel = rest.world.find_channel("general").id
    path = f"/channels/{channel}/recipients/{rest.world.find_user('alice').id}"
    for method in ("PUT", "DELETE"):
        assert (await rest.call(method, path, {}, expect=400)).body["code"] == 50024


async def test_unknown_scopes_are_named(rest: Rest) -> None:
    with pytest.raises(ActionError, match=r"no scope 'flying'. Known: .*identify"):
        rest.world.authorize("alice", "flying")
