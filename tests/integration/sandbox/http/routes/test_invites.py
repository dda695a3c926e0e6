"""Invites: unique ones, those to streams and activities, those for certain users."""

from __future__ import annotations

import aiohttp

from support.sandbox.running_rest import (
    Rest,
    general,
)


async def test_invites_serve_again_unless_unique(rest: Rest) -> None:
    path = f"{general(rest)}/invites"
    first, again = [(await rest.ok("POST", path, {"max_age": 60}))["code"] for _ in range(2)]
    unique = (await rest.ok("POST", path, {"max_age": 60, "unique": True}))["code"]
    assert first == again != unique
    shown = await rest.ok("GET", f"/invites/{first}?with_counts=true")
    assert shown["guild"]["name"] == "Sandbox"
    assert shown["approximate_member_count"] == 4
    assert "uses" not in shown
    rest.world.model.advance_clock(61)
    assert (await rest.call("GET", f"/invites/{first}", expect=404)).body["code"] == 10006


async def test_invites_to_a_stream_or_an_activity(rest: Rest) -> None:
    lounge = f"/channels/{rest.world.find_channel('Lounge').id}/invites"
    alice = str(rest.world.find_user("alice").id)
    await rest.call("POST", lounge, {"target_type": 1}, expect=400)
    stream = await rest.ok("POST", lounge, {"target_type": 1, "target_user_id": alice})
    assert stream["target_user"]["username"] == "alice"
    own = {"target_type": 2, "target_application_id": str(rest.world.application_id)}
    assert (await rest.ok("POST", lounge, own))["target_application"]["name"] == "Sandbox Bot"
    await rest.call("POST", lounge, {**own, "target_application_id": "1"}, expect=400)
    role = str(rest.world.find_role("member").id)
    assert (await rest.ok("POST", lounge, {"role_ids": [role]}))["roles"][0]["name"] == "member"


async def test_invites_for_certain_users(rest: Rest) -> None:
    code = (await rest.ok("POST", f"{general(rest)}/invites", {}))["code"]
    base = f"/invites/{code}/target-users"
    assert (await rest.call("GET", base, expect=404)).body["code"] == 10129
    assert (await rest.call("GET", f"{base}/job-status", expect=404)).body["code"] == 10124
    ids = [str(rest.world.find_user(each).id) for each in ("alice", "bob")]
    for text, expect in (("Users\n" + "\n".join(ids), 204), ("Users\nwho", 400)):
        data = aiohttp.FormData()
        data.add_field("target_users_file", text.encode(), filename="users.csv", content_type="text/csv")
        await rest.call("PUT", base, data=data, expect=expect)
    assert (await rest.ok("GET", base)).decode().split() == ["Users", *ids]
    assert (await rest.ok("GET", f"{base}/job-status"))["processed_users"] == 2
