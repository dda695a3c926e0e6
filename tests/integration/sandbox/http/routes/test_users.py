"""OAuth2 tokens of users, and what is built on them: connections, entitlements, lobbies, adding members."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from nescord_core.sandbox.world.lookup import ActionError
from support.sandbox.running_rest import Rest, sandbox


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


def bearer(rest: Rest, user: str, scopes: str) -> dict[str, Any]:
    token = rest.world.authorize(user, scopes)["access_token"]
    return {"headers": {"Authorization": f"Bearer {token}"}}


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


async def test_buying_and_cancelling(rest: Rest) -> None:
    heard: list[str] = []
    rest.world.subscribe(lambda event, *_: heard.append(event))
    sku = rest.world.create_sku("Gold")["id"]
    bought = rest.world.buy("alice", "Gold")
    assert heard == ["ENTITLEMENT_CREATE", "SUBSCRIPTION_CREATE"]
    app, alice = rest.world.application_id, str(rest.world.find_user("alice").id)
    base = f"/skus/{sku}/subscriptions"
    assert (await rest.ok("GET", f"{base}?user_id={alice}"))[0]["status"] == 0
    await rest.call("GET", base, expect=400)
    rest.world.cancel("alice", "Gold")
    assert (await rest.ok("GET", f"{base}/{bought['subscription']['id']}"))["canceled_at"]
    own = bearer(rest, "alice", "applications.entitlements")
    mine = await rest.ok("GET", f"/users/@me/applications/{app}/entitlements?sku_ids={sku}", **own)
    assert [each["id"] for each in mine] == [bought["entitlement"]["id"]]
    rest.world.model.advance_clock(31 * 86_400)
    rest.world.tick()
    assert heard[-1] == "ENTITLEMENT_UPDATE"
    with pytest.raises(ActionError, match="Known: Gold"):
        rest.world.buy("alice", "Silver")


async def test_test_entitlements(rest: Rest) -> None:
    app, alice = rest.world.application_id, str(rest.world.find_user("alice").id)
    rest.world.create_sku("Potion", "consumable")
    sku = rest.world.create_sku("Gold")["id"]
    base = f"/applications/{app}/entitlements"
    made = await rest.ok("POST", base, {"sku_id": sku, "owner_id": alice, "owner_type": 2})
    await rest.ok("GET", f"{base}/{made['id']}")
    await rest.ok("DELETE", f"{base}/{made['id']}")
    bought = rest.world.buy("alice", "Potion")["entitlement"]
    await rest.ok("POST", f"{base}/{bought['id']}/consume")


async def test_adding_a_member_takes_their_consent(rest: Rest) -> None:
    dave = rest.world.find_or_make_user("dave")
    path = f"/guilds/{rest.world.guild_ids()[0]}/members/{dave.id}"
    assert (await rest.call("PUT", path, {"access_token": "any"}, expect=403)).body["code"] == 50025
    weak = rest.world.authorize("dave", "identify")["access_token"]
    await rest.call("PUT", path, {"access_token": weak}, expect=403)
    token = rest.world.authorize("dave", "guilds.join")["access_token"]
    added = await rest.call("PUT", path, {"access_token": token, "nick": "D", "mute": True}, expect=201)
    assert (added.body["nick"], added.body["mute"]) == ("D", True)
    await rest.call("PUT", path, {"access_token": token}, expect=204)


async def test_requests_to_join_are_let_in_or_rejected(rest: Rest) -> None:
    heard: list[str] = []
    rest.world.subscribe(lambda event, *_: heard.append(event))
    base = f"/guilds/{rest.world.guild_ids()[0]}/requests"
    asked = [rest.world.request_to_join(each)["id"] for each in ("dave", "eve")]
    listed = await rest.ok("GET", f"{base}?status=SUBMITTED")
    assert [each["id"] for each in listed["guild_join_requests"]] == asked
    await rest.ok("PATCH", f"{base}/{asked[0]}", {"action": "APPROVED"})
    no = await rest.ok("PATCH", f"{base}/{asked[1]}", {"action": "REJECTED", "rejection_reason": "full"})
    assert no["rejection_reason"] == "full"
    await rest.call("PATCH", f"{base}/{asked[1]}", {"action": "APPROVED"}, expect=400)
    names = {rest.world.model.users[each].name for each in rest.world.find_guild().members}
    assert "dave" in names
    assert "eve" not in names
    assert [each for each in heard if "JOIN" in each or "MEMBER" in each] == [
        "GUILD_JOIN_REQUEST_CREATE",
        "GUILD_JOIN_REQUEST_CREATE",
        "GUILD_JOIN_REQUEST_UPDATE",
        "GUILD_MEMBER_ADD",
        "GUILD_JOIN_REQUEST_UPDATE",
    ]


async def test_a_lobby_from_its_making_to_its_end(rest: Rest) -> None:
    ids = {name: str(rest.world.find_user(name).id) for name in ("olivia", "alice", "bob")}
    made = await rest.ok("POST", "/lobbies", {"metadata": {"map": "x"}, "members": [{"id": ids["bob"]}]})
    path = f"/lobbies/{made['id']}"
    await rest.ok("PATCH", path, {"metadata": {"map": "y"}})
    assert (await rest.ok("GET", path))["metadata"] == {"map": "y"}
    added = await rest.ok("PUT", f"{path}/members/{ids['olivia']}", {"metadata": {"team": "red"}, "flags": 1})
    assert added["flags"] == 1
    rows = [{"id": ids["alice"]}, {"id": ids["bob"], "remove_member": True}]
    assert [each["id"] for each in await rest.ok("POST", f"{path}/members/bulk", rows)] == [ids["alice"]]
    olivia, alice = bearer(rest, "olivia", "openid"), bearer(rest, "alice", "openid")
    said = await rest.ok("POST", f"{path}/messages", {"content": "ready?"}, **alice)
    assert [each["content"] for each in await rest.ok("GET", f"{path}/messages", **olivia)] == ["ready?"]
    await rest.ok("PUT", f"{path}/messages/{said['id']}/moderation-metadata", {"checked": "yes"})
    link = {"channel_id": str(rest.world.find_channel("general").id)}
    await rest.call("PATCH", f"{path}/channel-linking", link, expect=403, **alice)
    linked = await rest.ok("PATCH", f"{path}/channel-linking", link, **olivia)
    assert linked["linked_channel"]["name"] == "general"
    code = (await rest.ok("POST", f"{path}/members/@me/invites", **alice))["code"]
    assert rest.world.model.invites[code].max_uses == 1
    await rest.ok("POST", f"{path}/members/{ids['alice']}/invites")
    await rest.ok("DELETE", f"{path}/members/@me", **alice)
    assert (await rest.call("GET", f"{path}/messages", expect=404, **alice)).body["code"] == 10031
    await rest.ok("DELETE", f"{path}/members/{ids['olivia']}")
    await rest.ok("DELETE", path)
    await rest.call("GET", path, expect=404)


async def test_users_meet_in_a_lobby_by_its_secret(rest: Rest) -> None:
    body = {"secret": "s3cret", "lobby_metadata": {"mode": "duel"}}
    first = await rest.ok("PUT", "/lobbies", body, **bearer(rest, "alice", "openid"))
    second = await rest.ok("PUT", "/lobbies", {"secret": "s3cret"}, **bearer(rest, "bob", "openid"))
    assert first["id"] == second["id"]
    assert len(second["members"]) == 2
    assert (await rest.call("PUT", "/lobbies", body, expect=403)).body["code"] == 20001


async def test_provisional_accounts(rest: Rest) -> None:
    body = {"external_user_id": "player-1", "preferred_global_name": "Player One"}
    token = (await rest.ok("POST", "/partner-sdk/token/bot", body))["access_token"]
    headers: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    me = await rest.ok("GET", "/users/@me", **headers)
    assert me["global_name"] == "Player One"
    unmerge = {"external_user_id": "player-1"}
    await rest.ok("POST", "/partner-sdk/provisional-accounts/unmerge/bot", unmerge)
    await rest.call("GET", "/users/@me", expect=401, **headers)
    await rest.call("POST", "/partner-sdk/provisional-accounts/unmerge/bot", unmerge, expect=404)


async def test_moderation_of_a_direct_message(rest: Rest) -> None:
    said = rest.world.dm("alice", "hello")
    pair = f"{rest.world.find_user('alice').id}/{rest.world.application_id}"
    path = f"/partner-sdk/dms/{pair}/messages/{said['id']}/moderation-metadata"
    await rest.ok("PUT", path, {"verdict": "fine"})
    await rest.call("PUT", path.replace(said["id"], "1"), {}, expect=404)


async def test_activities_and_files_of_the_application(rest: Rest) -> None:
    app = rest.world.application_id
    rest.world.start_activity("Lounge", "alice")
    instance = rest.world.start_activity("Lounge", "bob")["instance_id"]
    shown = await rest.ok("GET", f"/applications/{app}/activity-instances/{instance}")
    assert len(shown["users"]) == 2
    await rest.call("GET", f"/applications/{app}/activity-instances/none", expect=404)
    data = aiohttp.FormData()
    data.add_field("file", b"bytes", filename="a.txt", content_type="text/plain")
    stored = (await rest.ok("POST", f"/applications/{app}/attachment", data=data))["attachment"]
    async with rest.session.get(stored["url"]) as served:
        assert await served.read() == b"bytes"


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
