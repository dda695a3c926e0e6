"""Webhooks in threads and forums, by their token, and in the form of Slack and GitHub."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Rest,
    general,
    guild,
)


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
    push = {
        "ref": "refs/heads/main",
        "sender": sender,
        "commits": [{"id": "abc", "message": "", "url": "https://example.org/", "author": {"name": "o"}}],
    }
    await rest.ok("POST", f"{base}/github", push)
    slack, github, pushed = (each["content"] for each in rest.world.messages("general"))
    assert slack == "alarm\nStatus: down"
    assert github.startswith("**Issue opened #7: Broken**")
    assert pushed == "**1 new commit on main**\n`abc` "


async def test_a_webhook_by_its_token_shows_the_token_and_not_who_made_it(rest: Rest) -> None:
    hook = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "hook"})
    path = f"/webhooks/{hook['id']}/{hook['token']}"
    for shown in (await rest.ok("GET", path), await rest.ok("PATCH", path, {"name": "crook"})):
        assert shown["token"] == hook["token"]
        assert "user" not in shown


async def test_a_follow_up_comes_back_without_asking_for_it(rest: Rest) -> None:
    base = f"/applications/{rest.world.application_id}/commands"
    await rest.ok("POST", base, {"name": "ask", "description": "Ask"})
    started = rest.world.interact("general", "alice", "ask")
    hook = f"/webhooks/{rest.world.application_id}/{started['token']}"
    callback = f"/interactions/{started['id']}/{started['token']}/callback"
    await rest.call("POST", callback, {"type": 5}, expect=204)
    body = {
        "content": "x",
        "username": "Herald",
        "avatar_url": "https://example.org/a.png",
        "thread_name": "t",
    }
    filled = await rest.call("POST", hook, body, expect=200)
    assert (filled.body["content"], filled.body["author"]["username"]) == ("x", "Sandbox Bot")
    for query in ("", "?wait=false", f"?thread_id={filled.body['id']}"):
        sent = await rest.call("POST", f"{hook}{query}", {"content": "and on"}, expect=200)
        assert sent.body["content"] == "and on"
        assert sent.body["channel_id"] == filled.body["channel_id"]
    assert (await rest.ok("GET", f"{hook}/messages/{sent.body['id']}"))["id"] == sent.body["id"]


async def test_a_webhook_answers_with_its_message_only_when_asked(rest: Rest) -> None:
    made = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "hook"})
    path = f"/webhooks/{made['id']}/{made['token']}"
    for query, status in (
        ("", 204),
        ("?wait=false", 204),
        ("?wait=0", 204),
        ("?wait=true", 200),
        ("?wait=1", 200),
    ):
        await rest.call("POST", path + query, {"content": "x"}, expect=status)


async def test_a_webhook_of_the_application_sends_components_as_they_are(rest: Rest) -> None:
    made = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "hook"})
    assert made["application_id"] == str(rest.world.application_id)
    path = f"/webhooks/{made['id']}/{made['token']}"
    row = {"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}
    said = await rest.ok("POST", f"{path}?wait=true", {"content": "x", "components": [row]})
    assert said["components"][0]["components"][0]["custom_id"] == "go"
    clicked = rest.world.click("general", said["id"], "alice")
    callback = f"/interactions/{clicked['id']}/{clicked['token']}/callback"
    await rest.call("POST", callback, {"type": 6}, expect=204)
    edited = await rest.ok("PATCH", f"{path}/messages/{said['id']}", {"content": "y", "components": [row]})
    assert len(edited["components"]) == 1
