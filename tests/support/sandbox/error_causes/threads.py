"""Channels, threads, forums, and webhooks in them."""

from __future__ import annotations

from support.sandbox.error_causes.registry import (
    always,
    cause,
    channel,
    code_of,
    direct,
    hook,
    say,
    take_permission,
    thread,
)
from support.sandbox.running_rest import Rest, general, guild


@cause(40009)
async def _several_parents(rest: Rest) -> int:
    names = ("general", "random")
    body = [{"id": str(rest.world.find_channel(each).id), "parent_id": None} for each in names]
    return await code_of(rest, "PATCH", f"{guild(rest)}/channels", body)


TWICE = [{"name": "Same"}, {"name": "same"}]
always(40061, "POST", "{guild}/channels", {"name": "f", "type": 15, "available_tags": TWICE})
MODERATED = [{"name": "a", "moderated": True}]
REQUIRED = {"name": "f", "type": 15, "flags": 16}
always(40066, "POST", "{guild}/channels", {**REQUIRED, "available_tags": MODERATED})


@cause(40067)
async def _post_without_tag(rest: Rest) -> int:
    forum = await channel(rest, 15, flags=16, available_tags=[{"name": "a"}])
    body = {"name": "post", "message": {"content": "x"}}
    return await code_of(rest, "POST", f"{forum}/threads", body)


@cause(50003)
async def _in_direct_message(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await direct(rest)}/invites", {})


@cause(50008)
async def _message_in_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await channel(rest, 15)}/messages", {"content": "x"})


@cause(50024)
async def _wrong_type_of_channel(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    return await code_of(rest, "POST", f"{general(rest)}/messages/{sent['id']}/crosspost")


@cause(50074)
async def _community_channel(rest: Rest) -> int:
    ids = {name: str(rest.world.find_channel("random").id) for name in ("rules_channel_id",)}
    ids["public_updates_channel_id"] = ids["rules_channel_id"]
    settings = {"features": ["COMMUNITY"], "verification_level": 1, "explicit_content_filter": 2}
    await rest.ok("PATCH", guild(rest), {**settings, **ids})
    return await code_of(rest, "DELETE", f"/channels/{ids['rules_channel_id']}")


@cause(50086)
async def _community_channel_without_text(rest: Rest) -> int:
    lounge = str(rest.world.find_channel("Lounge").id)
    return await code_of(rest, "PATCH", guild(rest), {"rules_channel_id": lounge})


@cause(50083)
async def _archived_thread(rest: Rest) -> int:
    path = await thread(rest)
    sent = await say(rest, {"content": "x"}, path)
    await rest.ok("PATCH", path, {"archived": True})
    return await code_of(rest, "PATCH", f"{path}/messages/{sent['id']}", {"content": "y"})


@cause(160004)
async def _second_thread(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    path = f"{general(rest)}/messages/{sent['id']}/threads"
    await rest.ok("POST", path, {"name": "one"})
    return await code_of(rest, "POST", path, {"name": "two"})


@cause(160005)
async def _locked_thread(rest: Rest) -> int:
    path = await thread(rest, locked=True)
    take_permission(rest, "manage_threads")
    return await code_of(rest, "POST", f"{path}/messages", {"content": "x"})


@cause(220001)
async def _webhook_in_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", await hook(rest, await channel(rest, 15)), {"content": "x"})


@cause(220002)
async def _webhook_with_thread_and_name(rest: Rest) -> int:
    path = await hook(rest, await channel(rest, 15))
    return await code_of(rest, "POST", f"{path}?thread_id=5", {"content": "x", "thread_name": "n"})


@cause(220003)
async def _webhook_post_without_forum(rest: Rest) -> int:
    return await code_of(rest, "POST", await hook(rest, general(rest)), {"content": "x", "thread_name": "n"})


@cause(220004)
async def _service_in_forum(rest: Rest) -> int:
    path = await hook(rest, await channel(rest, 15))
    return await code_of(rest, "POST", f"{path}/slack", {"text": "x"})
