"""Application commands: what is stored is fit for use, whatever a client's library sends."""

from __future__ import annotations

from typing import Any

import pytest

from support.sandbox.running_rest import Rest

UNUSED = (
    *("name_localizations", "description_localizations", "choices", "options", "channel_types", "required"),
    *("min_value", "max_value", "min_length", "max_length", "autocomplete"),
)
VALUES = {3: "hello", 4: 5, 5: True, 6: "bob", 7: "general", 8: "member", 9: "bob", 10: 1.5}


@pytest.mark.parametrize("kind", VALUES)
async def test_a_command_stored_with_nulls_can_be_used(rest: Rest, kind: int) -> None:
    option = {**dict.fromkeys(UNUSED), "type": kind, "name": "it", "description": "It"}
    group = {**dict.fromkeys(UNUSED), "type": 1, "name": "sub", "description": "Sub", "options": [option]}
    nulls = ("name_localizations", "description_localizations", "default_member_permissions", "contexts")
    command = {**dict.fromkeys((*nulls, "dm_permission", "nsfw", "integration_types")), "description": "D"}
    base = f"/applications/{rest.world.application_id}/commands"
    bodies: list[Any] = [
        {**command, "name": "flat", "options": [option]},
        {**command, "name": "deep", "options": [group]},
    ]
    await rest.ok("PUT", base, bodies)
    for body in bodies:
        await rest.call("POST", base, body, expect=200)
    for name in ("flat", "deep sub"):
        started = rest.world.interact("general", "alice", name, {"it": VALUES[kind]})
        assert started["type"] == 2
        rest.world.interact("general", "alice", name)


async def test_an_update_resets_fields_that_are_null_and_keeps_what_a_command_needs(rest: Rest) -> None:
    base = f"/applications/{rest.world.application_id}/commands"
    rights = {"default_member_permissions": "8", "dm_permission": False, "contexts": [0]}
    made = await rest.ok("POST", base, {"name": "ask", "description": "Ask", **rights})
    changed = await rest.ok("PATCH", f"{base}/{made['id']}", dict.fromkeys(("description", *rights)))
    assert (changed["name"], changed["description"]) == ("ask", "Ask")
    assert (changed["default_member_permissions"], changed["contexts"]) == (None, None)
