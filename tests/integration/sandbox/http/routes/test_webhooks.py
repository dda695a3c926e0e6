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
    slack, github = (each["content"] for each in rest.world.messages("general"))
    assert slack == "alarm\nStatus: down"
    assert github.startswith("**Issue opened #7: Broken**")


async def test_a_webhook_by_its_token_shows_the_token_and_not_who_made_it(rest: Rest) -> None:
    hook = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "hook"})
    path = f"/webhooks/{hook['id']}/{hook['token']}"
    for shown in (await rest.ok("GET", path), await rest.ok("PATCH", path, {"name": "crook"})):
        assert shown["token"] == hook["token"]
        assert "user" not in shown
