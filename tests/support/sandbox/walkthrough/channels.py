"""Channels, threads, webhooks, invites."""

from __future__ import annotations

from support.sandbox.walkthrough.walk import Walk


async def channels(walk: Walk) -> None:
    made = await walk.ok("POST", f"/guilds/{walk.guild}/channels", {"name": "made", "type": 0})
    path = f"/channels/{made['id']}"
    assert (await walk.ok("PATCH", path, {"topic": "new", "nsfw": False}))["topic"] == "new"
    await walk.ok("GET", path)
    everyone = f"{path}/permissions/{walk.guild}"
    await walk.ok("PUT", everyone, {"type": 0, "allow": "0", "deny": "2048"})
    await walk.ok("DELETE", everyone)
    await walk.ok("GET", f"/guilds/{walk.guild}/channels")
    await walk.ok("PATCH", f"/guilds/{walk.guild}/channels", [{"id": made["id"], "position": 1}])
    news = walk.world.create_channel("news", kind="announcement")
    posted = await walk.ok("POST", f"/channels/{news['id']}/messages", {"content": "news"})
    await walk.ok("POST", f"/channels/{news['id']}/messages/{posted['id']}/crosspost")
    await walk.ok("POST", f"/channels/{news['id']}/followers", {"webhook_channel_id": made["id"]})
    await walk.ok("DELETE", path)


async def threads(walk: Walk) -> None:
    thread = await walk.ok("POST", f"/channels/{walk.channel}/threads", {"name": "talk", "type": 11})
    path = f"/channels/{thread['id']}"
    await walk.ok("GET", path)
    await walk.ok("PUT", f"{path}/thread-members/@me")
    await walk.ok("PUT", f"{path}/thread-members/{walk.alice}")
    assert len(await walk.ok("GET", f"{path}/thread-members")) == 2
    await walk.ok("GET", f"{path}/thread-members/{walk.alice}")
    await walk.ok("DELETE", f"{path}/thread-members/{walk.alice}")
    await walk.ok("DELETE", f"{path}/thread-members/@me")
    await walk.ok("GET", f"/guilds/{walk.guild}/threads/active")
    await walk.ok("PATCH", path, {"archived": True})
    for kind in (
        "threads/archived/public",
        "threads/archived/private",
        "users/@me/threads/archived/private",
    ):
        await walk.ok("GET", f"/channels/{walk.channel}/{kind}")
    assert (await walk.ok("GET", f"/channels/{walk.channel}/threads/search?name=ta"))["total_results"] == 1
    await walk.ok("POST", f"/channels/{walk.channel}/messages/{walk.message}/threads", {"name": "on it"})
    forum = walk.world.create_channel("ideas", kind="forum")
    post = {"name": "idea", "message": {"content": "an idea"}}
    await walk.ok("POST", f"/channels/{forum['id']}/threads", post)


async def webhooks(walk: Walk) -> None:
    hook = await walk.ok("POST", f"/channels/{walk.channel}/webhooks", {"name": "hook"})
    await walk.ok("GET", f"/channels/{walk.channel}/webhooks")
    await walk.ok("GET", f"/guilds/{walk.guild}/webhooks")
    by_id, by_token = f"/webhooks/{hook['id']}", f"/webhooks/{hook['id']}/{hook['token']}"
    for path in (by_id, by_token):
        await walk.ok("GET", path)
        await walk.ok("PATCH", path, {"name": "renamed"})
    assert (await walk.rest.call("POST", by_token, {"content": "quiet"})).status == 204
    said = await walk.ok("POST", f"{by_token}?wait=true", {"content": "loud", "username": "Herald"})
    assert said["author"]["username"] == "Herald"
    message = f"{by_token}/messages/{said['id']}"
    await walk.ok("GET", message)
    await walk.ok("PATCH", message, {"content": "louder"})
    await walk.ok("DELETE", message)
    await walk.ok("POST", f"{by_token}/slack", {"text": "from slack"})
    await walk.ok(
        "POST",
        f"{by_token}/github",
        {
            "action": "opened",
            "sender": {
                "id": 1,
                "login": "octo",
                "html_url": "https://example.org/octo",
                "avatar_url": "https://example.org/o.png",
            },
        },
    )
    await walk.ok("DELETE", by_token)
    again = await walk.ok("POST", f"/channels/{walk.channel}/webhooks", {"name": "hook"})
    await walk.ok("DELETE", f"/webhooks/{again['id']}")


async def invites(walk: Walk) -> None:
    invite = await walk.ok("POST", f"/channels/{walk.channel}/invites", {"max_age": 60})
    for path in (f"/channels/{walk.channel}/invites", f"/guilds/{walk.guild}/invites"):
        assert len(await walk.ok("GET", path)) == 1
    await walk.ok("GET", f"/invites/{invite['code']}")
    await walk.ok("DELETE", f"/invites/{invite['code']}")
