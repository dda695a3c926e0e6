"""Provisional accounts, and moderation of direct messages."""

from __future__ import annotations

from typing import Any

from support.sandbox.running_rest import (
    Rest,
)


async def test_provisional_accounts(rest: Rest) -> None:
    body = {"external_user_id": "player-1", "preferred_global_name": "Player One"}
    token = (await rest.ok("POST", "/partner-sdk/token/bot", body))["access_token"]
    headers: dict[str, Any] = {"headers": {"Authorization": f"Bearer {token}"}}
    me = await rest.ok("GET", "/users/@me", **headers)
    assert me["global_name"] == "Player One"
    unmerge = {"external_user_id": "player-1"}
    await rest.ok("POST", "/partner-sdk/provisional-accounts/unmerge/bot", unmerge)
    await rest.call("GET", "/users/@me", expect=401, **headers)
    await rest.call("POST", "/partner-sdk/provisional-accounts/unmerge/bot", unmerge, expect=404)


async def test_moderation_of_a_direct_message(rest: Rest) -> None:
    said = rest.world.dm("alice", "hello")
    pair = f"{rest.world.find_user('alice').id}/{rest.world.application_id}"
    path = f"/partner-sdk/dms/{pair}/messages/{said['id']}/moderation-metadata"
    await rest.ok("PUT", path, {"verdict": "fine"})
    await rest.call("PUT", path.replace(said["id"], "1"), {}, expect=404)
