"""Channels: the fields of new and changed ones, and posts in forums."""

from __future__ import annotations

from support.sandbox.running_rest import (
    Events,
    Rest,
    general,
    guild,
    last,
)


async def test_a_new_channel_has_its_own_fields_from_its_first_event_on(rest: Rest, heard: Events) -> None:
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


async def test_changed_fields_of_a_channel_are_shown_and_announced(rest: Rest, heard: Events) -> None:
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
