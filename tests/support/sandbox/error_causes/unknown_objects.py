"""Objects that do not exist, and calls that the bot may not make."""

from __future__ import annotations

from support.sandbox.error_causes.registry import (
    always,
    cause,
    channel,
    code_of,
    hook,
    model_of,
    say,
    take_permission,
    user,
)
from support.sandbox.running_rest import Rest, bearer, general, guild

always(0, "GET", "/nowhere")
always(10002, "GET", "/applications/5/entitlements")
always(10003, "GET", "/channels/5")
always(10004, "GET", "/guilds/5")
always(10005, "DELETE", "{guild}/integrations/5")
always(10006, "GET", "/invites/none")
always(10007, "GET", "{guild}/members/5")
always(10008, "GET", "{general}/messages/5")
always(10009, "DELETE", "{general}/permissions/5")
always(10011, "GET", "{guild}/roles/5")
always(10013, "GET", "/users/5")
always(10015, "GET", "/webhooks/5")
always(10026, "GET", "{guild}/bans/5")
always(10027, "GET", "/skus/5/subscriptions")
always(10029, "DELETE", "{app}/entitlements/5")
always(10031, "GET", "/lobbies/5")
always(10057, "GET", "/guilds/templates/none")
always(10060, "GET", "{guild}/stickers/5")
always(10061, "GET", "/sticker-packs/5")
always(10062, "POST", "/interactions/5/none/callback", {"type": 6})
always(10063, "GET", "{app}/commands/5")
always(10065, "GET", "{guild}/voice-states/@me")
always(10066, "GET", "{app}{guild}/commands/5/permissions")
always(10069, "GET", "{guild}/welcome-screen")
always(10070, "GET", "{guild}/scheduled-events/5")
always(10097, "GET", "{guild}/soundboard-sounds/5")


@cause(10014)
async def _unknown_emoji(rest: Rest) -> int:
    sent = await say(rest, {"content": "x"})
    path = f"{general(rest)}/messages/{sent['id']}/reactions/word/@me"
    return await code_of(rest, "PUT", path)


@cause(10067)
async def _unknown_stage(rest: Rest) -> int:
    stage = await channel(rest, 13)
    return await code_of(rest, "GET", f"/stage-instances/{stage.rsplit('/', 1)[1]}")


@cause(10087)
async def _unknown_tag(rest: Rest) -> int:
    body = {"name": "post", "message": {"content": "x"}, "applied_tags": ["5"]}
    return await code_of(rest, "POST", f"{await channel(rest, 15)}/threads", body)


@cause(10124)
async def _unknown_targets_job(rest: Rest) -> int:
    made = await rest.ok("POST", f"{general(rest)}/invites", {})
    return await code_of(rest, "GET", f"/invites/{made['code']}/target-users/job-status")


@cause(10129)
async def _unknown_targets(rest: Rest) -> int:
    made = await rest.ok("POST", f"{general(rest)}/invites", {})
    return await code_of(rest, "GET", f"/invites/{made['code']}/target-users")


# Who may do what

always(20001, "GET", "/users/@me/connections")
always(20012, "GET", "/applications/5/commands")


@cause(50001)
async def _missing_access(rest: Rest) -> int:
    take_permission(rest, "view_channel")
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"content": "x"})


@cause(50013)
async def _missing_permissions(rest: Rest) -> int:
    take_permission(rest, "send_messages")
    return await code_of(rest, "POST", f"{general(rest)}/messages", {"content": "x"})


@cause(50025)
async def _invalid_access_token(rest: Rest) -> int:
    stranger = model_of(rest).make_user("carol").id
    return await code_of(rest, "PUT", f"{guild(rest)}/members/{stranger}", {"access_token": "none"})


@cause(50026)
async def _missing_scope(rest: Rest) -> int:
    return await code_of(rest, "GET", "/users/@me/connections", **bearer(rest, "bob", "identify"))


@cause(50027)
async def _invalid_webhook_token(rest: Rest) -> int:
    path = await hook(rest, general(rest))
    return await code_of(rest, "POST", f"{path}x", {"content": "x"})


@cause(40007)
async def _banned(rest: Rest) -> int:
    token = rest.world.authorize("bob", "guilds.join")["access_token"]
    await rest.ok("PUT", f"{guild(rest)}/bans/{user(rest, 'bob')}", {})
    return await code_of(rest, "PUT", f"{guild(rest)}/members/{user(rest, 'bob')}", {"access_token": token})
