"""Requests of stock clients that the document does not describe, and answers that clients rely on."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Events,
    Rest,
    general,
    guild,
    last,
)


async def test_fields_that_the_document_does_not_know_are_ignored(rest: Rest) -> None:
    """discord.js sends a thread's type with a message's thread, and fields in a second spelling."""
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "start"})
    path = f"{general(rest)}/messages/{sent['id']}/threads"
    assert (await rest.ok("POST", path, {"name": "talk", "type": 11}))["name"] == "talk"
    bob = rest.world.find_user("bob").id
    body = {"communicationDisabledUntil": 1, "communication_disabled_until": None}
    assert await rest.ok("PATCH", f"{guild(rest)}/members/{bob}", body)


async def test_an_undocumented_field_within_an_interactions_answer_is_ignored(rest: Rest) -> None:
    row = {"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "go", "label": "Go"}]}
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x", "components": [row]})
    used = rest.world.click("general", sent["id"], "alice", custom_id="go")
    path = f"/interactions/{used['id']}/{used['token']}/callback"
    body = {"type": 7, "data": {"content": "y", "components": [], "enforce_nonce": False, "username": "n"}}
    await rest.call("POST", path, body, expect=204)
    assert (await rest.ok("GET", f"{general(rest)}/messages/{sent['id']}"))["content"] == "y"


async def test_true_as_a_word_is_true(rest: Rest) -> None:
    """discord.py sends "true" for compute_prune_count; other words are refused."""
    path = f"{guild(rest)}/prune"
    for word, counted in (("true", True), ("False", False)):
        shown = await rest.ok("POST", path, {"days": 7, "compute_prune_count": word})
        assert (shown["pruned"] is not None) == counted
    await rest.call("POST", path, {"days": 7, "compute_prune_count": "yes"}, expect=400)


async def test_a_modals_message_names_the_modal_and_the_click_before_it(rest: Rest, heard: Events) -> None:
    """discord.js ends with an error for a modal's message whose triggering interaction has no user."""
    row = {"type": 1, "components": [{"type": 2, "style": 1, "custom_id": "form", "label": "Form"}]}
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x", "components": [row]})
    clicked = rest.world.click("general", sent["id"], "alice", custom_id="form")
    field = {"type": 4, "custom_id": "name", "style": 1, "label": "Name"}
    modal = {"custom_id": "asked", "title": "Form", "components": [{"type": 1, "components": [field]}]}
    await rest.call(
        "POST", f"/interactions/{clicked['id']}/{clicked['token']}/callback", {"type": 9, "data": modal}
    )
    filled = rest.world.submit_modal(clicked["id"], "alice", {"name": "Ada"})
    await rest.call(
        "POST",
        f"/interactions/{filled['id']}/{filled['token']}/callback",
        {"type": 4, "data": {"content": "Hello"}},
    )
    told = last(heard, "MESSAGE_CREATE")["interaction_metadata"]
    cause = told["triggering_interaction_metadata"]
    assert (told["id"], told["type"]) == (filled["id"], 5)
    assert (cause["id"], cause["type"], cause["user"]["username"]) == (clicked["id"], 3, "alice")
    assert cause["interacted_message_id"] == sent["id"]
