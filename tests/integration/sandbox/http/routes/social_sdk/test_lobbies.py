"""Lobbies."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Rest,
    bearer,
)


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
