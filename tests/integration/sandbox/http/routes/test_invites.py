"""Search by every parameter, webhooks in threads and forums, invites with targets, bans and prunes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from typing import Any

import aiohttp
import pytest

from nescord_core.sandbox.world.extra_fields import extra_fields_of
from support.sandbox.running_rest import Rest, sandbox


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


def guild(rest: Rest) -> str:
    return f"/guilds/{rest.world.guild_ids()[0]}"


def general(rest: Rest) -> str:
    return f"/channels/{rest.world.find_channel('general').id}"


async def found(rest: Rest, query: str) -> list[str]:
    answer = await rest.ok("GET", f"{guild(rest)}/messages/search?{query}")
    assert all(len(each) == 1 and each[0]["hit"] for each in answer["messages"])
    return [each[0]["content"] for each in answer["messages"]]


async def test_search_by_each_parameter(rest: Rest) -> None:
    world = rest.world
    ids = {name: world.find_user(name).id for name in ("alice", "bob")}
    first = world.say("general", "alice", "apple https://example.org/x")
    world.say("random", "bob", f"banana <@{ids['alice']}>", files=[("notes.txt", b"x")])
    world.say("general", "bob", "apple apple", reply_to=first["id"])
    embed = {"content": "cherry", "embeds": [{"title": "T"}]}
    await rest.ok("POST", f"{general(rest)}/messages", embed)
    hook = world.model.create_webhook(world.find_channel("random").id, "hook", ids["bob"])
    await rest.ok("POST", f"/webhooks/{hook.id}/{hook.token}", {"content": "damson"})
    await rest.ok("PUT", f"{general(rest)}/messages/pins/{first['id']}")
    cases: Mapping[str, list[str]] = {
        "content=apple": ["apple apple", "apple https://example.org/x"],
        "content=apple&sort_order=asc": ["apple https://example.org/x", "apple apple"],
        "content=apple&sort_by=relevance": ["apple apple", "apple https://example.org/x"],
        f"author_id={ids['bob']}&limit=1": ["apple apple"],
        f"author_id={ids['bob']}&limit=1&offset=1": [f"banana <@{ids['alice']}>"],
        "author_type=bot&has=embed": ["cherry"],
        "author_type=webhook": ["damson"],
        f"mentions={ids['alice']}&has=file": [f"banana <@{ids['alice']}>"],
        f"replied_to_user_id={ids['alice']}": ["apple apple"],
        f"replied_to_message_id={first['id']}": ["apple apple"],
        "has=embed": ["cherry"],
        "has=link": ["apple https://example.org/x"],
        "link_hostname=example.org": ["apple https://example.org/x"],
        "attachment_extension=txt": [f"banana <@{ids['alice']}>"],
        "attachment_filename=notes.txt": [f"banana <@{ids['alice']}>"],
        "embed_type=article": ["cherry"],
        "pinned=true": ["apple https://example.org/x"],
        f"max_id={first['id']}": ["apple https://example.org/x"],
        f"channel_id={world.find_channel('random').id}&author_type=-webhook": [f"banana <@{ids['alice']}>"],
        "content=nothing": [],
    }
    for query, wanted in cases.items():
        assert await found(rest, query) == wanted, query
    assert len(await found(rest, f"author_id={ids['bob']}&author_id={ids['alice']}")) == 3


async def test_search_leaves_out_what_is_nsfw_or_hidden(rest: Rest) -> None:
    rest.world.say("random", "alice", "secret")
    extra_fields_of(rest.world.find_channel("random"))["nsfw"] = True
    assert await found(rest, "content=secret") == []
    assert await found(rest, "content=secret&include_nsfw=true") == ["secret"]


async def test_search_of_threads(rest: Rest) -> None:
    made = [
        await rest.ok("POST", f"{general(rest)}/threads", {"name": name, "type": 11})
        for name in ("tea", "toast", "tart")
    ]
    await rest.ok("PATCH", f"/channels/{made[0]['id']}", {"archived": True})
    path = f"{general(rest)}/threads/search"
    names = [each["name"] for each in (await rest.ok("GET", f"{path}?limit=2"))["threads"]]
    assert names == ["tart", "toast"]
    archived = await rest.ok("GET", f"{path}?archived=true&name=TEA")
    assert (archived["total_results"], archived["has_more"]) == (1, False)


async def test_webhooks_write_to_threads_and_make_posts(rest: Rest) -> None:
    world = rest.world
    hook = world.model.create_webhook(world.find_channel("general").id, "hook", world.application_id)
    base = f"/webhooks/{hook.id}/{hook.token}"
    thread = await rest.ok("POST", f"{general(rest)}/threads", {"name": "talk", "type": 11})
    await rest.ok("PATCH", f"/channels/{thread['id']}", {"archived": True})
    said = await rest.ok("POST", f"{base}?wait=true&thread_id={thread['id']}", {"content": "in it"})
    assert said["channel_id"] == thread["id"]
    assert (await rest.ok("GET", f"/channels/{thread['id']}"))["thread_metadata"]["archived"] is False
    message = f"{base}/messages/{said['id']}"
    await rest.call("GET", message, expect=404)
    edited = await rest.ok("PATCH", f"{message}?thread_id={thread['id']}", {"content": "changed"})
    assert edited["content"] == "changed"
    await rest.ok("DELETE", f"{message}?thread_id={thread['id']}")
    wrong = await rest.call("POST", base, {"content": "x", "thread_name": "no forum"}, expect=400)
    assert wrong.body["code"] == 220003
    await rest.call("POST", f"{base}?thread_id=1", {"content": "x"}, expect=400)


async def test_webhooks_post_to_forums(rest: Rest) -> None:
    world = rest.world
    tags = {"name": "ideas", "type": 15, "available_tags": [{"name": "good"}]}
    forum = await rest.ok("POST", f"{guild(rest)}/channels", tags)
    hook = world.model.create_webhook(int(forum["id"]), "hook", world.application_id)
    base = f"/webhooks/{hook.id}/{hook.token}?wait=true"
    assert (await rest.call("POST", base, {"content": "x"}, expect=400)).body["code"] == 220001
    body = {"content": "an idea", "thread_name": "idea", "applied_tags": [forum["available_tags"][0]["id"]]}
    said = await rest.ok("POST", base, body)
    assert said["id"] == said["channel_id"]
    assert (await rest.ok("GET", f"/channels/{said['id']}"))["applied_tags"] == body["applied_tags"]
    await rest.call("POST", base, {**body, "applied_tags": ["1"]}, expect=400)
    both = await rest.call("POST", f"{base}&thread_id={said['id']}", body, expect=400)
    assert both.body["code"] == 220002


async def test_what_slack_and_github_send(rest: Rest) -> None:
    world = rest.world
    hook = world.model.create_webhook(world.find_channel("general").id, "hook", world.application_id)
    base = f"/webhooks/{hook.id}/{hook.token}"
    fields = [{"title": "Status", "value": "down"}]
    await rest.ok("POST", f"{base}/slack", {"text": "alarm", "attachments": [{"fields": fields}]})
    sender = {
        "id": 1,
        "login": "octo",
        "html_url": "https://example.org/o",
        "avatar_url": "https://example.org/a",
    }
    issue = {
        "id": 5,
        "number": 7,
        "title": "Broken",
        "html_url": "https://example.org/7",
        "user": sender,
    }
    await rest.ok("POST", f"{base}/github", {"action": "opened", "sender": sender, "issue": issue})
    await rest.call("POST", f"{base}/slack", {"text": ""}, expect=400)
    slack, github = (each["content"] for each in rest.world.messages("general"))
    assert slack == "alarm\nStatus: down"
    assert github.startswith("**Issue opened #7: Broken**")


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


async def test_a_ban_takes_messages_along(rest: Rest) -> None:
    heard: list[tuple[str, Any]] = []
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
