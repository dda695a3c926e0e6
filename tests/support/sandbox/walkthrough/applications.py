"""The application: the bot's own account, commands, interactions, entitlements."""

from __future__ import annotations

from support.sandbox.walkthrough.walk import Walk


async def own_account(walk: Walk) -> None:
    for path in (
        "/gateway",
        "/gateway/bot",
        "/users/@me",
        f"/users/{walk.alice}",
        "/users/@me/guilds",
        "/oauth2/applications/@me",
        "/oauth2/keys",
        "/applications/@me",
        f"/applications/{walk.app}",
        "/voice/regions",
        "/sticker-packs",
        "/soundboard-default-sounds",
    ):
        await walk.ok("GET", path)
    pack = (await walk.ok("GET", "/sticker-packs"))["sticker_packs"][0]
    await walk.ok("GET", f"/sticker-packs/{pack['id']}")
    await walk.ok("GET", f"/stickers/{pack['stickers'][0]['id']}")
    await walk.ok("PATCH", "/users/@me", {"username": "Renamed Bot"})
    await walk.ok("PATCH", "/applications/@me", {"custom_install_url": "https://example.org/add"})
    await walk.ok("PATCH", f"/applications/{walk.app}", {"tags": ["fun"]})
    path = f"/applications/{walk.app}/role-connections/metadata"
    row = {"type": 1, "key": "level", "name": "Level", "description": "Level reached"}
    assert (await walk.ok("PUT", path, [row]))[0]["key"] == "level"
    await walk.ok("GET", path)
    walk.dm = int((await walk.ok("POST", "/users/@me/channels", {"recipient_id": str(walk.alice)}))["id"])
    await walk.ok("GET", f"/channels/{walk.dm}")
    await walk.ok("POST", f"/channels/{walk.dm}/messages", {"content": "Hello in private"})


async def commands(walk: Walk) -> None:
    everywhere = f"/applications/{walk.app}/commands"
    here = f"/applications/{walk.app}/guilds/{walk.guild}/commands"
    for base in (everywhere, here):
        made = await walk.rest.call("POST", base, {"name": "ping", "description": "Pong"}, expect=201)
        await walk.rest.call("POST", base, {"name": "ping", "description": "Pong!"}, expect=200)
        path = f"{base}/{made.body['id']}"
        await walk.ok("GET", base)
        await walk.ok("GET", path)
        assert (await walk.ok("PATCH", path, {"description": "P"}))["description"] == "P"
        await walk.ok("DELETE", path)
        kept = await walk.ok("PUT", base, [{"name": "ask", "description": "Ask", "type": 1}])
    path = f"{here}/{kept[0]['id']}/permissions"
    allow = {"permissions": [{"id": str(walk.guild), "type": 1, "permission": True}]}
    await walk.ok("PUT", path, allow)
    await walk.ok("GET", path)
    await walk.ok("GET", f"{here}/permissions")


async def interactions(walk: Walk) -> None:
    def asked() -> tuple[str, str]:
        started = walk.world.interact("general", "alice", "ask")
        token = started["token"]
        return f"/interactions/{started['id']}/{token}/callback", f"/webhooks/{walk.app}/{token}"

    callback, hook = asked()
    answer = {"type": 4, "data": {"content": "Answered"}}
    shown = await walk.ok("POST", f"{callback}?with_response=true", answer)
    assert shown["resource"]["message"]["content"] == "Answered"
    original = f"{hook}/messages/@original"
    await walk.ok("GET", original)
    await walk.ok("PATCH", original, {"content": "Answered again"})
    await walk.ok("POST", f"{hook}?wait=true", {"content": "And more"})
    await walk.ok("DELETE", original)
    clicked = walk.world.click(walk.channel, walk.buttons, "alice", custom_id="go")
    deferred = f"/interactions/{clicked['id']}/{clicked['token']}/callback"
    assert (await walk.rest.call("POST", deferred, {"type": 6})).status == 204


async def entitlements(walk: Walk) -> None:
    base = f"/applications/{walk.app}/entitlements"
    sku = walk.world.create_sku("Gold")["id"]
    await walk.ok("GET", base)
    skus = await walk.ok("GET", f"/applications/{walk.app}/skus", conform=False)  # not in the document
    assert [each["name"] for each in skus] == ["Gold"]
    await walk.ok("GET", f"/skus/{sku}/subscriptions?user_id={walk.alice}")
