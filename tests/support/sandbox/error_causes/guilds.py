"""Guilds, commands, purchases, and malformed requests."""

from __future__ import annotations

from support.sandbox.error_causes.registry import (
    always,
    cause,
    channel,
    code_of,
    commands,
    event,
    guild_of,
    me,
    user,
)
from support.sandbox.running_rest import Rest, general, guild

always(50004, "GET", "{guild}/widget.json")
always(350000, "PUT", "{guild}/onboarding", {"enabled": True})


@cause(350001)
async def _onboarding_below_requirements(rest: Rest) -> int:
    rooms = [(await channel(rest, 0)).rsplit("/", 1)[1] for _ in range(7)]
    path = f"{guild(rest)}/onboarding"
    await rest.ok("PUT", path, {"enabled": True, "default_channel_ids": rooms})
    return await code_of(rest, "PUT", path, {"default_channel_ids": rooms[:6]})


@cause(50028)
async def _everyone_role(rest: Rest) -> int:
    return await code_of(rest, "DELETE", f"{guild(rest)}/roles/{guild_of(rest).id}")


@cause(500000)
async def _nobody_to_ban(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{guild(rest)}/bulk-ban", {"user_ids": [str(me(rest))]})


@cause(180000)
async def _finished_event(rest: Rest) -> int:
    made = await rest.ok("POST", f"{guild(rest)}/scheduled-events", event())
    path = f"{guild(rest)}/scheduled-events/{made['id']}"
    await rest.ok("PATCH", path, {"status": 4})
    return await code_of(rest, "PATCH", path, {"name": "again"})


@cause(40041)
async def _taken_name(rest: Rest) -> int:
    path = f"/applications/{me(rest)}/commands"
    made = await rest.ok("PUT", path, commands(0, 2))
    return await code_of(rest, "PATCH", f"{path}/{made[0]['id']}", {"name": "c1"})


@cause(50240)
async def _dropped_entry_point(rest: Rest) -> int:
    path = f"/applications/{me(rest)}/commands"
    launch = {"name": "launch", "type": 4, "handler": 2}
    await rest.ok("PUT", path, [launch])
    await rest.ok("PUT", path, [launch, *commands(0, 1)])
    return await code_of(rest, "PUT", path, commands(0, 1))


async def entitlement(rest: Rest, kind: str) -> str:
    sku = rest.world.create_sku("thing", kind)
    owner = {"owner_id": str(user(rest, "bob")), "owner_type": 2}
    made = await rest.ok("POST", f"/applications/{me(rest)}/entitlements", {"sku_id": sku["id"], **owner})
    return f"/applications/{me(rest)}/entitlements/{made['id']}"


@cause(40018)
async def _nothing_to_consume(rest: Rest) -> int:
    return await code_of(rest, "POST", f"{await entitlement(rest, 'subscription')}/consume")


@cause(40019)
async def _bought_entitlement(rest: Rest) -> int:
    rest.world.create_sku("thing")
    bought = rest.world.buy("bob", "thing")["entitlement"]
    return await code_of(rest, "DELETE", f"/applications/{me(rest)}/entitlements/{bought['id']}")


@cause(40074)
async def _granted_twice(rest: Rest) -> int:
    sku = rest.world.create_sku("thing")
    body = {"sku_id": sku["id"], "owner_id": str(user(rest, "bob")), "owner_type": 2}
    path = f"/applications/{me(rest)}/entitlements"
    await rest.ok("POST", path, body)
    return await code_of(rest, "POST", path, body)


@cause(50057)
async def _invalid_sku(rest: Rest) -> int:
    sku = rest.world.create_sku("thing", "durable")
    body = {"sku_id": sku["id"], "owner_id": str(user(rest, "bob")), "owner_type": 2}
    return await code_of(rest, "POST", f"/applications/{me(rest)}/entitlements", body)


@cause(50033)
async def _message_to_oneself(rest: Rest) -> int:
    return await code_of(rest, "POST", "/users/@me/channels", {"recipient_id": str(me(rest))})


@cause(50041)
async def _unknown_version(rest: Rest) -> int:
    return await code_of(rest, "GET", "/users/@me", prefix="/api/v3", conform=False)


@cause(50109)
async def _no_json(rest: Rest) -> int:
    headers = {"Content-Type": "application/json"}
    return await code_of(rest, "POST", f"{general(rest)}/messages", data=b"{", headers=headers)
