"""Adding members, requests to join, bans, prunes, and removing the bot."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Events,
    Rest,
    guild,
)


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


async def test_a_ban_takes_messages_along(rest: Rest) -> None:
    heard: Events = []
    rest.world.subscribe(lambda event, payload, *_: heard.append((event, payload)))
    bob, alice = (rest.world.find_user(each).id for each in ("bob", "alice"))
    said = [rest.world.say(each, "bob", "x")["id"] for each in ("general", "random", "general")]
    rest.world.say("general", "alice", "stays")
    await rest.ok("PUT", f"{guild(rest)}/bans/{bob}", {"delete_message_seconds": 3600})
    bulk = [payload["ids"] for event, payload in heard if event == "MESSAGE_DELETE_BULK"]
    assert bulk == [[said[0], said[2]], [said[1]]]
    assert [each["content"] for each in rest.world.messages("general")] == ["stays"]
    both = {"user_ids": [str(bob), str(alice)], "delete_message_seconds": 60}
    done = await rest.ok("POST", f"{guild(rest)}/bulk-ban", both)
    assert (done["banned_users"], done["failed_users"]) == ([str(alice)], [str(bob)])
    assert rest.world.messages("general") == []
    assert (await rest.call("POST", f"{guild(rest)}/bulk-ban", both, expect=400)).body["code"] == 500000


async def test_pruning_spares_roles_that_are_not_named(rest: Rest) -> None:
    role = str(rest.world.find_role("moderator").id)
    path = f"{guild(rest)}/prune"
    assert (await rest.ok("GET", path))["pruned"] == 1
    assert (await rest.ok("GET", f"{path}?include_roles={role}"))["pruned"] == 2
    await rest.ok("POST", path, {"days": 7, "include_roles": [role], "compute_prune_count": False})
    names = {rest.world.model.users[each].name for each in rest.world.find_guild().members}
    assert names == {"olivia", "Sandbox Bot"}


async def test_the_bots_integration_can_be_removed_with_the_bot(rest: Rest) -> None:
    path = f"{guild(rest)}/integrations"
    (own,) = await rest.ok("GET", path)
    assert own["application"]["bot"]["username"] == "Sandbox Bot"
    await rest.call("DELETE", f"{path}/1", expect=404)
    heard: list[str] = []
    rest.world.subscribe(lambda event, *_: heard.append(event))
    await rest.ok("DELETE", f"{path}/{own['id']}")
    assert heard == ["INTEGRATION_DELETE", "GUILD_DELETE"]
