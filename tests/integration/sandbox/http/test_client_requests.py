"""What stock clients send that the document does not say, and what they rely on in the answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from nescord_core.sandbox.world.world import World
from support.sandbox.running_rest import Rest, emoji, sandbox


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


@pytest.fixture
def heard(rest: Rest) -> list[tuple[str, Any]]:
    events: list[tuple[str, Any]] = []
    rest.world.subscribe(lambda event, payload, *_: events.append((event, payload)))
    return events


def guild(rest: Rest) -> str:
    return f"/guilds/{rest.world.guild_ids()[0]}"


def general(rest: Rest) -> str:
    return f"/channels/{rest.world.find_channel('general').id}"


def last(heard: list[tuple[str, Any]], event: str) -> Any:
    return next(payload for name, payload in reversed(heard) if name == event)


async def test_fields_that_the_document_does_not_know_are_ignored(rest: Rest) -> None:
    """discord.js sends a thread's type with a message's thread, and other spellings of what it means."""
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


async def test_a_message_may_be_forwarded(rest: Rest) -> None:
    """A message reference of type 1 forwards, though the document knows type 0 only."""
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "news"})
    reference = {"type": 1, "message_id": sent["id"], "channel_id": sent["channel_id"]}
    shown = await rest.ok("POST", f"{general(rest)}/messages", {"message_reference": reference})
    assert shown["message_snapshots"][0]["message"]["content"] == "news"


async def test_the_percent_encoded_at_me_is_at_me(rest: Rest) -> None:
    """discord.js asks for %40me."""
    assert (await rest.ok("PATCH", f"{guild(rest)}/members/%40me", {"nick": "N"}))["nick"] == "N"


async def test_a_new_channel_has_its_own_fields_from_its_first_event_on(
    rest: Rest, heard: list[tuple[str, Any]]
) -> None:
    body = {
        "name": "forum",
        "type": 15,
        "nsfw": True,
        "default_forum_layout": 2,
        "available_tags": [{"name": "new"}, {"name": "old"}],
    }
    made = await rest.ok("POST", f"{guild(rest)}/channels", body)
    assert (made["nsfw"], made["default_forum_layout"]) == (True, 2)
    assert [each["name"] for each in made["available_tags"]] == ["new", "old"]
    assert len({each["id"] for each in made["available_tags"]}) == 2
    announced = last(heard, "CHANNEL_CREATE")
    assert (announced["nsfw"], announced["available_tags"]) == (True, made["available_tags"])
    listed = await rest.ok("GET", f"{guild(rest)}/channels")
    assert [each["nsfw"] for each in listed if each["id"] == made["id"]] == [True]
    in_guild = rest.world.guild_create(rest.world.guild_ids()[0])["channels"]
    assert [each["nsfw"] for each in in_guild if each["id"] == made["id"]] == [True]
    other = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "plain"})
    assert not other.get("nsfw")


async def test_changed_fields_of_a_channel_are_shown_and_announced(
    rest: Rest, heard: list[tuple[str, Any]]
) -> None:
    changes = {"nsfw": True, "topic": "t", "default_auto_archive_duration": 60}
    await rest.ok("PATCH", general(rest), changes)
    for shown in (await rest.ok("GET", general(rest)), last(heard, "CHANNEL_UPDATE")):
        assert {name: shown[name] for name in changes} == changes


async def test_a_refused_change_of_a_channel_changes_nothing(rest: Rest) -> None:
    before = await rest.ok("GET", general(rest))
    await rest.call("PATCH", general(rest), {"nsfw": True, "position": 5, "type": 2}, expect=400)
    await rest.call("PATCH", general(rest), {"nsfw": True, "icon": "data:"}, expect=501)
    assert await rest.ok("GET", general(rest)) == before


async def test_a_posts_first_message_has_the_id_of_its_thread(rest: Rest) -> None:
    forum = await rest.ok("POST", f"{guild(rest)}/channels", {"name": "forum", "type": 15})
    body = {"name": "post", "message": {"content": "first"}}
    post = await rest.ok("POST", f"/channels/{forum['id']}/threads", body)
    first = await rest.ok("GET", f"/channels/{post['id']}/messages/{post['id']}")
    assert first["content"] == "first"
    second = await rest.ok("POST", f"/channels/{forum['id']}/threads", body)
    assert second["id"] != post["id"]


async def test_a_webhook_by_its_token_shows_the_token_and_not_who_made_it(rest: Rest) -> None:
    hook = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "hook"})
    path = f"/webhooks/{hook['id']}/{hook['token']}"
    for shown in (await rest.ok("GET", path), await rest.ok("PATCH", path, {"name": "crook"})):
        assert shown["token"] == hook["token"]
        assert "user" not in shown


async def test_whose_message_it_is_comes_with_a_reaction(rest: Rest, heard: list[tuple[str, Any]]) -> None:
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x"})
    rest.world.react("general", sent["id"], "alice", "👍")
    assert last(heard, "MESSAGE_REACTION_ADD")["message_author_id"] == str(rest.world.application_id)
    rest.world.unreact("general", sent["id"], "alice", "👍")
    assert "message_author_id" not in last(heard, "MESSAGE_REACTION_REMOVE")


async def test_what_a_form_led_to_names_the_form_and_the_click_before_it(
    rest: Rest, heard: list[tuple[str, Any]]
) -> None:
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


def _reacted(world: World, message: str) -> list[str]:
    for name in ("olivia", "alice", "bob"):
        world.react("general", message, name, "👍")
    return [str(world.find_user(name).id) for name in ("olivia", "alice", "bob")]


async def test_reactions_come_in_pages(rest: Rest) -> None:
    """hikari turns pages until one is empty: a list that ignores ``after`` would never end."""
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x"})
    users = _reacted(rest.world, sent["id"])
    path = f"{general(rest)}/messages/{sent['id']}/reactions/{emoji('👍')}"
    pages = [await rest.ok("GET", f"{path}?limit=2&after={after}") for after in (0, users[1], users[2])]
    assert [[each["id"] for each in page] for page in pages] == [users[:2], users[2:], []]


async def test_thread_members_come_in_pages_with_their_members(rest: Rest) -> None:
    thread = await rest.ok("POST", f"{general(rest)}/threads", {"name": "t", "type": 11})
    alice = rest.world.find_user("alice").id
    await rest.call("PUT", f"/channels/{thread['id']}/thread-members/{alice}", expect=204)
    path = f"/channels/{thread['id']}/thread-members"
    first = await rest.ok("GET", f"{path}?with_member=true&limit=1")
    second = await rest.ok("GET", f"{path}?with_member=true&limit=1&after={first[0]['user_id']}")
    rest_of = await rest.ok("GET", f"{path}?with_member=true&after={second[0]['user_id']}")
    assert [each["user_id"] for each in (*first, *second)] == [str(rest.world.application_id), str(alice)]
    assert second[0]["member"]["user"]["username"] == "alice"
    assert rest_of == []
    assert len(await rest.ok("GET", path)) == 2


async def test_bans_come_in_pages(rest: Rest) -> None:
    banned = [str(rest.world.find_user(name).id) for name in ("alice", "bob")]
    for each in banned:
        await rest.call("PUT", f"{guild(rest)}/bans/{each}", {}, expect=204)
    for query, wanted in (("limit=1", [0]), (f"after={banned[0]}", [1]), (f"before={banned[1]}", [0])):
        page = await rest.ok("GET", f"{guild(rest)}/bans?{query}")
        assert [each["user"]["id"] for each in page] == [banned[index] for index in wanted]


async def test_archived_threads_come_in_pages(rest: Rest) -> None:
    for name in ("one", "two", "three"):
        thread = await rest.ok("POST", f"{general(rest)}/threads", {"name": name, "type": 11})
        await rest.ok("PATCH", f"/channels/{thread['id']}", {"archived": True})
    path = f"{general(rest)}/threads/archived/public"
    page = await rest.ok("GET", f"{path}?limit=2")
    assert ([each["name"] for each in page["threads"]], page["has_more"]) == (["three", "two"], True)
    before = page["threads"][1]["thread_metadata"]["archive_timestamp"].replace("+00:00", "Z")
    page = await rest.ok("GET", f"{path}?before={before}")
    assert ([each["name"] for each in page["threads"]], page["has_more"]) == (["one"], False)
