"""Guilds: settings, members, roles, emoji, stickers, leaving."""

from __future__ import annotations

from support.sandbox.running_rest import IMAGE, PNG
from support.sandbox.walkthrough.walk import Walk, form


async def members(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}/members"
    assert len(await walk.ok("GET", f"{base}?limit=100")) == 4
    assert (await walk.ok("GET", f"{base}/search?query=ali"))[0]["user"]["username"] == "alice"
    await walk.ok("GET", f"{base}/{walk.bob}")
    assert (await walk.ok("PATCH", f"{base}/{walk.bob}", {"nick": "Bobby"}))["nick"] == "Bobby"
    await walk.ok("PATCH", f"{base}/@me", {"nick": "Botty"})
    dave = walk.world.join("dave")["user"]["id"]
    await walk.ok("DELETE", f"{base}/{dave}")
    token = walk.world.authorize("dave", "guilds.join")["access_token"]
    await walk.ok("PUT", f"{base}/{dave}", {"access_token": token})
    bans = f"/guilds/{walk.guild}/bans"
    await walk.ok("PUT", f"{bans}/{dave}", {}, headers={"X-Audit-Log-Reason": "rude%20words"})
    assert (await walk.ok("GET", f"{bans}/{dave}"))["reason"] == "rude words"
    await walk.ok("GET", bans)
    await walk.ok("DELETE", f"{bans}/{dave}")
    await walk.ok("POST", f"/guilds/{walk.guild}/bulk-ban", {"user_ids": [dave]})
    await walk.ok("GET", f"/guilds/{walk.guild}/prune")
    await walk.ok("POST", f"/guilds/{walk.guild}/prune", {"days": 7})
    walk.world.join("bob")
    await walk.ok("GET", f"/guilds/{walk.guild}/audit-logs")


async def roles(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}/roles"
    role = await walk.ok("POST", base, {"name": "new", "permissions": "0"})
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}/{role['id']}")
    await walk.ok("PATCH", f"{base}/{role['id']}", {"name": "newer"})
    await walk.ok("PATCH", base, [{"id": role["id"], "position": 2}])
    member = f"/guilds/{walk.guild}/members/{walk.alice}/roles/{role['id']}"
    await walk.ok("PUT", member)
    assert (await walk.ok("GET", f"{base}/member-counts"))[role["id"]] == 1
    await walk.ok("DELETE", member)
    await walk.ok("DELETE", f"{base}/{role['id']}")


async def settings(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}"
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}?with_counts=true")
    await walk.ok("PATCH", base, {"description": "Described"})
    for part in ("preview", "regions", "integrations", "vanity-url", "requests", "new-member-welcome"):
        await walk.ok("GET", f"{base}/{part}")
    until = {"invites_disabled_until": "2030-01-01T00:00:00+00:00"}
    await walk.ok("PUT", f"{base}/incident-actions", until)


async def features(walk: Walk) -> None:
    base = f"/guilds/{walk.guild}"
    screen = {"welcome_channels": [{"channel_id": str(walk.channel), "description": "Start here"}]}
    await walk.ok("PATCH", f"{base}/welcome-screen", screen)
    await walk.ok("GET", f"{base}/welcome-screen")
    assert (await walk.rest.call("GET", f"{base}/widget.json")).status == 403
    await walk.ok("PATCH", f"{base}/widget", {"enabled": True})
    for part in ("widget", "widget.json", "widget.png", "onboarding"):
        await walk.ok("GET", f"{base}/{part}")
    choice = {"title": "Red", "role_ids": [], "channel_ids": [str(walk.channel)]}
    prompt = {"id": "0", "title": "Colour?", "options": [choice]}
    rooms = [await walk.ok("POST", f"{base}/channels", {"name": f"room-{each}"}) for each in range(7)]
    onboarding = {"prompts": [prompt], "default_channel_ids": [each["id"] for each in rooms], "enabled": True}
    await walk.ok("PUT", f"{base}/onboarding", onboarding)
    for each in rooms:
        await walk.ok("DELETE", f"/channels/{each['id']}")
    template = await walk.ok("POST", f"{base}/templates", {"name": "mould"})
    path = f"{base}/templates/{template['code']}"
    await walk.ok("GET", f"/guilds/templates/{template['code']}")
    await walk.ok("GET", f"{base}/templates")
    await walk.ok("PATCH", path, {"description": "a mould"})
    await walk.ok("PUT", path)
    await walk.ok("DELETE", path)


async def expressions(walk: Walk) -> None:
    for base in (f"/guilds/{walk.guild}/emojis", f"/applications/{walk.app}/emojis"):
        made = await walk.ok("POST", base, {"name": "wave", "image": IMAGE})
        await walk.ok("GET", base)
        await walk.ok("GET", f"{base}/{made['id']}")
        await walk.ok("PATCH", f"{base}/{made['id']}", {"name": "waves"})
        await walk.ok("DELETE", f"{base}/{made['id']}")
    base = f"/guilds/{walk.guild}/stickers"
    data = form(None, ("file", "dot.png", PNG), name="dot", description="a dot", tags="dot")
    made = await walk.ok("POST", base, data=data)
    await walk.ok("GET", base)
    await walk.ok("GET", f"{base}/{made['id']}")
    await walk.ok("GET", f"/stickers/{made['id']}")
    await walk.ok("PATCH", f"{base}/{made['id']}", {"name": "dots"})
    await walk.ok("DELETE", f"{base}/{made['id']}")


async def leave(walk: Walk) -> None:
    await walk.ok("DELETE", f"/users/@me/guilds/{walk.guild}")
    await walk.rest.call("GET", f"/guilds/{walk.guild}", expect=404)
