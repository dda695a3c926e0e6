"""The audit log's entries for the bot's changes."""

from __future__ import annotations

from typing import Any

from support.sandbox.running_rest import (
    Rest,
    general,
    guild,
)


async def entries(rest: Rest, action: int) -> list[dict[str, Any]]:
    found = await rest.ok("GET", f"{guild(rest)}/audit-logs?action_type={action}")
    rows: list[dict[str, Any]] = found["audit_log_entries"]
    return rows


async def test_every_change_by_the_bot_is_in_the_audit_log(rest: Rest) -> None:
    """Operations that the model does not log: type, target, options and reason of their entries."""
    reason = {"headers": {"X-Audit-Log-Reason": "tidying"}}
    bob = rest.world.find_user("bob").id
    said = rest.world.say("general", "bob", "x")
    for _ in range(2):
        overwrite = {"type": 1, "allow": "0", "deny": "0"}
        await rest.ok("PUT", f"{general(rest)}/permissions/{bob}", overwrite, **reason)
    await rest.ok("DELETE", f"{general(rest)}/permissions/{bob}")
    await rest.ok("PUT", f"{general(rest)}/messages/pins/{said['id']}")
    await rest.ok("DELETE", f"{general(rest)}/messages/{said['id']}")
    mine = await rest.ok("POST", f"{general(rest)}/messages", {"content": "mine"})
    await rest.ok("DELETE", f"{general(rest)}/messages/{mine['id']}")
    invite = await rest.ok("POST", f"{general(rest)}/invites", {})
    await rest.ok("DELETE", f"/invites/{invite['code']}")
    counts = {each: len(await entries(rest, each)) for each in (13, 14, 15, 74, 72, 40, 42)}
    assert counts == {13: 1, 14: 1, 15: 1, 74: 1, 72: 1, 40: 1, 42: 1}
    first = (await entries(rest, 13))[0]
    assert first["reason"] == "tidying"
    assert first["options"] == {"id": str(bob), "type": "1"}
    deleted = (await entries(rest, 72))[0]
    assert (deleted["target_id"], deleted["options"]["count"]) == (str(bob), "1")
    assert (await entries(rest, 42))[0]["changes"][0] == {"key": "code", "old_value": invite["code"]}


async def test_a_failed_call_leaves_no_entry(rest: Rest) -> None:
    await rest.call("DELETE", "/webhooks/1", expect=404)
    await rest.call("POST", f"{general(rest)}/webhooks", {"name": "clyde"}, expect=400)
    assert await entries(rest, 50) == []
