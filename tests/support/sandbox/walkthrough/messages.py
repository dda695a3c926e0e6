"""Messages, polls, reactions, pins."""

from __future__ import annotations

from support.sandbox.running_rest import PNG, emoji
from support.sandbox.walkthrough.walk import Walk, form


async def messages(walk: Walk) -> None:
    base = f"/channels/{walk.channel}/messages"
    embed = {"title": "T", "description": "D", "color": 255, "fields": [{"name": "n", "value": "v"}]}
    first = await walk.ok("POST", base, {"content": "one", "embeds": [embed], "nonce": "n1"})
    assert first["nonce"] == "n1"
    walk.message = int(first["id"])
    buttons = [{"type": 1, "components": [{"type": 2, "style": 1, "label": "Go", "custom_id": "go"}]}]
    reply = {"message_id": str(walk.message)}
    second = await walk.ok(
        "POST", base, {"content": "two", "components": buttons, "message_reference": reply}
    )
    walk.buttons = int(second["id"])
    payload = '{"content": "a file", "attachments": [{"id": 0, "description": "a dot"}]}'
    third = await walk.ok("POST", base, data=form(payload, ("files[0]", "dot.png", PNG)))
    assert third["attachments"][0]["description"] == "a dot"
    async with walk.rest.session.get(third["attachments"][0]["url"]) as file:
        assert await file.read() == PNG
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}?limit=2&before={third['id']}")
    await walk.ok("GET", f"{base}/{walk.message}")
    edited = await walk.ok("PATCH", f"{base}/{walk.message}", {"content": "one, edited"})
    assert edited["edited_timestamp"]
    found = await walk.ok("GET", f"/guilds/{walk.guild}/messages/search?content=edited")
    assert found["total_results"] == 1
    await walk.ok("POST", f"/channels/{walk.channel}/typing")
    await walk.ok("DELETE", f"{base}/{third['id']}")
    spam = [int((await walk.ok("POST", base, {"content": "spam"}))["id"]) for _ in range(2)]
    await walk.ok("POST", f"{base}/bulk-delete", {"messages": [str(each) for each in spam]})
    await poll(walk, base)


async def poll(walk: Walk, base: str) -> None:
    answers = [{"poll_media": {"text": "yes"}}, {"poll_media": {"text": "no"}}]
    poll = {"question": {"text": "?"}, "answers": answers, "duration": 1, "allow_multiselect": False}
    asked = await walk.ok("POST", base, {"poll": poll})
    walk.world.vote(walk.channel, asked["id"], "alice", [1])
    path = f"/channels/{walk.channel}/polls/{asked['id']}"
    voters = await walk.ok("GET", f"{path}/answers/1")
    assert voters["users"][0]["username"] == "alice"
    await walk.ok("POST", f"{path}/expire")


async def reactions_and_pins(walk: Walk) -> None:
    base = f"/channels/{walk.channel}/messages/{walk.message}/reactions"
    await walk.ok("PUT", f"{base}/{emoji('👍')}/@me")
    walk.world.react(walk.channel, walk.message, "alice", "👍")
    assert len(await walk.ok("GET", f"{base}/{emoji('👍')}")) == 2
    await walk.ok("DELETE", f"{base}/{emoji('👍')}/@me")
    await walk.ok("DELETE", f"{base}/{emoji('👍')}/{walk.alice}")
    await walk.ok("PUT", f"{base}/{emoji('👎')}/@me")
    await walk.ok("DELETE", f"{base}/{emoji('👎')}")
    await walk.ok("PUT", f"{base}/{emoji('🎉')}/@me")
    await walk.ok("DELETE", base)
    for pins in (f"/channels/{walk.channel}/messages/pins", f"/channels/{walk.channel}/pins"):
        await walk.ok("PUT", f"{pins}/{walk.message}")
        await walk.ok("GET", pins)
        await walk.ok("DELETE", f"{pins}/{walk.message}")
