"""Messages: nonces, reactions, system messages, polls, published messages."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Events,
    Rest,
    general,
    last,
)


async def test_only_emoji_are_reactions(rest: Rest) -> None:
    said = rest.world.say("general", "alice", "x")
    path = f"{general(rest)}/messages/{said['id']}/reactions"
    for wrong in ("word", "gone:123"):
        assert (await rest.call("PUT", f"{path}/{wrong}/@me", expect=404)).body["code"] == 10014
    made = rest.world.model.create_emoji(rest.world.guild_ids()[0], "wave", rest.world.application_id)
    for right in ("%F0%9F%91%8D", f"wave:{made.id}"):
        await rest.call("PUT", f"{path}/{right}/@me", expect=204)


async def test_enforce_nonce_makes_a_retry_safe(rest: Rest) -> None:
    """A message POST carrying nonce and enforce_nonce may be repeated: one message comes of it."""
    body = {"content": "once", "nonce": "n-1", "enforce_nonce": True}
    first, second = [await rest.ok("POST", f"{general(rest)}/messages", body) for _ in range(2)]
    assert first["id"] == second["id"]
    assert len(rest.world.messages("general")) == 1
    loose = {"content": "twice", "nonce": "n-2"}
    ids = {(await rest.ok("POST", f"{general(rest)}/messages", loose))["id"] for _ in range(2)}
    assert len(ids) == 2


async def test_the_nonce_comes_with_the_event(rest: Rest) -> None:
    heard: list[object] = []
    rest.world.subscribe(lambda event, payload, *_: heard.append(payload.get("nonce", "none")))
    await rest.ok("POST", f"{general(rest)}/messages", {"content": "x", "nonce": "n-3"})
    rest.world.say("general", "alice", "x")
    assert heard[0] == "n-3"
    assert heard[1] != "n-3"


async def test_a_poll_ends_with_its_result(rest: Rest) -> None:
    answers = [{"poll_media": {"text": each}} for each in ("Tea", "Coffee")]
    body = {"poll": {"question": {"text": "Which?"}, "answers": answers, "duration": 1}}
    asked = await rest.ok("POST", f"{general(rest)}/messages", body)
    rest.world.vote("general", asked["id"], "alice", [1])
    rest.world.model.advance_clock(3601)
    rest.world.tick()
    rest.world.tick()
    ended, told = rest.world.messages("general")
    assert ended["poll"]["results"]["is_finalized"] is True
    facts = {each["name"]: each["value"] for each in told["embeds"][0]["fields"]}
    assert told["type"] == 46
    assert facts["victor_answer_text"] == "Tea"
    assert told["message_reference"]["message_id"] == asked["id"]


async def test_system_messages_and_threads_from_messages(rest: Rest) -> None:
    heard: list[str] = []
    said = rest.world.say("general", "alice", "x")
    rest.world.subscribe(lambda event, *_: heard.append(event))
    await rest.ok("PUT", f"{general(rest)}/messages/pins/{said['id']}")
    path = f"{general(rest)}/messages/{said['id']}"
    thread = await rest.ok("POST", f"{path}/threads", {"name": "talk"})
    assert heard == [
        "CHANNEL_PINS_UPDATE",
        "MESSAGE_CREATE",
        "GUILD_AUDIT_LOG_ENTRY_CREATE",
        "THREAD_CREATE",
        "MESSAGE_UPDATE",
        "MESSAGE_CREATE",
        "GUILD_AUDIT_LOG_ENTRY_CREATE",
    ]
    assert [(each["type"], each["content"]) for each in rest.world.messages("general")] == [(0, "x"), (6, "")]
    assert [each["type"] for each in rest.world.messages(thread["id"])] == [21]
    shown = await rest.ok("GET", path)
    assert shown["thread"]["id"] == said["id"]
    assert shown["flags"] & 32
    await rest.ok("PATCH", general(rest), {"name": "lobby"})
    assert len(rest.world.messages("lobby")) == 2


async def test_followers_get_what_is_published(rest: Rest) -> None:
    news = rest.world.create_channel("news", kind="announcement")
    general_id = str(rest.world.find_channel("general").id)
    followed = await rest.ok("POST", f"/channels/{news['id']}/followers", {"webhook_channel_id": general_id})
    hook = await rest.ok("GET", f"/webhooks/{followed['webhook_id']}")
    assert (hook["type"], hook["source_channel"]["name"]) == (2, "news")
    said = await rest.ok("POST", f"/channels/{news['id']}/messages", {"content": "extra"})
    await rest.ok("POST", f"/channels/{news['id']}/messages/{said['id']}/crosspost")
    told, copy = rest.world.messages("general")
    assert (told["type"], told["author"]["bot"]) == (12, True)
    assert (copy["content"], copy["flags"] & 2) == ("extra", 2)
    assert copy["message_reference"]["message_id"] == said["id"]


async def test_a_message_may_be_forwarded(rest: Rest) -> None:
    """A message reference of type 1 forwards, though the document knows type 0 only."""
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "news"})
    reference = {"type": 1, "message_id": sent["id"], "channel_id": sent["channel_id"]}
    shown = await rest.ok("POST", f"{general(rest)}/messages", {"message_reference": reference})
    assert shown["message_snapshots"][0]["message"]["content"] == "news"


async def test_a_reaction_has_the_author_of_the_message(rest: Rest, heard: Events) -> None:
    sent = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x"})
    rest.world.react("general", sent["id"], "alice", "👍")
    assert last(heard, "MESSAGE_REACTION_ADD")["message_author_id"] == str(rest.world.application_id)
    rest.world.unreact("general", sent["id"], "alice", "👍")
    assert "message_author_id" not in last(heard, "MESSAGE_REACTION_REMOVE")
