"""Fields that the model does not have: stored, shown, announced, and written into the audit log."""

from __future__ import annotations

from typing import Any

from support.sandbox.running_rest import (
    IMAGE,
    PNG,
    Events,
    Rest,
    general,
    guild,
    last,
)


async def entries(rest: Rest, action: int) -> list[dict[str, Any]]:
    found = await rest.ok("GET", f"{guild(rest)}/audit-logs?action_type={action}")
    rows: list[dict[str, Any]] = found["audit_log_entries"]
    return rows


async def test_a_guilds_own_fields(rest: Rest, heard: Events) -> None:
    changed = await rest.ok(
        "PATCH", guild(rest), {"icon": IMAGE, "system_channel_flags": 4, "premium_progress_bar_enabled": True}
    )
    assert changed["system_channel_flags"] == 4
    assert last(heard, "GUILD_UPDATE")["icon"] == changed["icon"] != IMAGE
    assert (await rest.ok("GET", f"{guild(rest)}/preview"))["icon"] == changed["icon"]
    assert (await rest.ok("GET", "/users/@me/guilds"))[0]["icon"] == changed["icon"]
    path = f"/cdn/icons/{changed['id']}/{changed['icon']}.png"
    async with rest.session.get(rest.url + path) as served:
        assert await served.read() == PNG
    keys = {each["key"] for each in (await entries(rest, 1))[0]["changes"]}
    assert keys == {"icon", "system_channel_flags", "premium_progress_bar_enabled"}


async def test_features_are_changed_within_bounds(rest: Rest) -> None:
    await rest.ok("PATCH", guild(rest), {"features": ["INVITES_DISABLED"]})
    wrong = await rest.call("PATCH", guild(rest), {"features": ["PARTNERED"]}, expect=400)
    assert "PARTNERED" in wrong.body["errors"]["features"]["_errors"][0]["message"]
    lacking = await rest.call("PATCH", guild(rest), {"features": ["COMMUNITY"]}, expect=400)
    assert "rules_channel_id" in lacking.body["errors"]
    channel = str(rest.world.find_channel("general").id)
    community = {"features": ["COMMUNITY"], "rules_channel_id": channel, "public_updates_channel_id": channel}
    assert (await rest.ok("PATCH", guild(rest), community))["features"] == ["COMMUNITY"]


async def test_what_is_refused_changes_nothing(rest: Rest) -> None:
    for body in ({"icon": "no image"}, {"icon": "data:image/png;base64,%%%"}):
        wrong = await rest.call("PATCH", guild(rest), body, expect=400)
        assert wrong.body["code"] == 50035
        assert list(wrong.body["errors"]) == ["icon"]
    model = rest.world.model
    model.edit_role(rest.world.guild_ids()[0], bot_role(rest), {"permissions": 0})
    await rest.call("PATCH", guild(rest), {"icon": IMAGE, "system_channel_flags": 4}, expect=403)
    shown = await rest.ok("GET", guild(rest))
    assert (shown["icon"], shown["system_channel_flags"]) == (None, 0)


def bot_role(rest: Rest) -> int:
    place = rest.world.find_guild()
    return place.members[rest.world.application_id].role_ids[0]


async def test_a_roles_colours_icon_and_emoji(rest: Rest, heard: Events) -> None:
    colors = {"primary_color": 1, "secondary_color": 2, "tertiary_color": None}
    made = await rest.ok("POST", f"{guild(rest)}/roles", {"name": "r", "colors": colors, "icon": IMAGE})
    assert made["colors"] == colors
    assert made["color"] == 1
    assert last(heard, "GUILD_ROLE_CREATE")["role"]["icon"] == made["icon"]
    path = f"{guild(rest)}/roles/{made['id']}"
    changed = await rest.ok("PATCH", path, {"unicode_emoji": "🦊", "color": 7})
    assert (changed["unicode_emoji"], changed["colors"]["primary_color"]) == ("🦊", 7)
    assert last(heard, "GUILD_ROLE_UPDATE")["role"]["unicode_emoji"] == "🦊"
    changes = {each["key"] for each in (await entries(rest, 31))[0]["changes"]}
    assert changes == {"unicode_emoji", "color"}
    three = {"colors": {"primary_color": 1, "tertiary_color": 3}}
    await rest.call("PATCH", path, three, expect=400)


async def test_the_bots_avatar_and_banner(rest: Rest, heard: Events) -> None:
    me = await rest.ok("PATCH", "/users/@me", {"avatar": IMAGE, "banner": IMAGE})
    assert me["avatar"] == me["banner"] is not None
    said = await rest.ok("POST", f"{general(rest)}/messages", {"content": "x"})
    assert said["author"]["avatar"] == me["avatar"]
    here = await rest.ok("PATCH", f"{guild(rest)}/members/@me", {"avatar": IMAGE, "bio": "a bot"})
    assert here["avatar"] is not None
    assert last(heard, "GUILD_MEMBER_UPDATE")["avatar"] == here["avatar"]


async def test_a_members_flags(rest: Rest) -> None:
    bob = rest.world.find_user("bob").id
    path = f"{guild(rest)}/members/{bob}"
    assert (await rest.ok("PATCH", path, {"flags": 7}))["flags"] == 4
    assert (await entries(rest, 24))[0]["changes"] == [{"key": "flags", "new_value": 4}]


async def test_channels_are_converted_and_moved(rest: Rest, heard: Events) -> None:
    assert (await rest.ok("PATCH", general(rest), {"type": 5, "position": 2}))["type"] == 5
    assert last(heard, "CHANNEL_UPDATE")["position"] == 2
    await rest.call("PATCH", general(rest), {"type": 2}, expect=400)


async def test_threads_take_slow_mode_and_invitable(rest: Rest, heard: Events) -> None:
    body = {"name": "quiet", "type": 12, "rate_limit_per_user": 30, "invitable": False}
    made = await rest.ok("POST", f"{general(rest)}/threads", body)
    assert made["rate_limit_per_user"] == 30
    assert last(heard, "THREAD_CREATE")["thread_metadata"]["invitable"] is False
    await rest.ok("PATCH", f"/channels/{made['id']}", {"name": "quieter"})
    await rest.ok("DELETE", f"/channels/{made['id']}")
    assert [len(await entries(rest, each)) for each in (110, 111, 112)] == [1, 1, 1]


async def test_webhooks_have_avatars_and_no_forbidden_names(rest: Rest) -> None:
    hook = await rest.ok("POST", f"{general(rest)}/webhooks", {"name": "w", "avatar": IMAGE})
    assert hook["avatar"]
    said = await rest.ok("POST", f"/webhooks/{hook['id']}/{hook['token']}?wait=true", {"content": "x"})
    assert said["author"]["avatar"] == hook["avatar"]
    await rest.call("POST", f"{general(rest)}/webhooks", {"name": "Discord news"}, expect=400)
    await rest.ok("DELETE", f"/webhooks/{hook['id']}")
    assert [len(await entries(rest, each)) for each in (50, 52)] == [1, 1]


async def test_events_recur_except_when_they_do_not(rest: Rest, heard: Events) -> None:
    base = f"{guild(rest)}/scheduled-events"
    rule = {"start": "2030-01-01T00:00:00+00:00", "frequency": 2, "interval": 1, "by_weekday": [0]}
    event = {
        "name": "weekly",
        "privacy_level": 2,
        "entity_type": 3,
        "scheduled_start_time": "2030-01-01T00:00:00+00:00",
        "scheduled_end_time": "2030-01-01T02:00:00+00:00",
        "entity_metadata": {"location": "here"},
        "image": IMAGE,
        "recurrence_rule": rule,
    }
    made = await rest.ok("POST", base, event)
    assert made["recurrence_rule"]["frequency"] == 2
    assert made["image"] == last(heard, "GUILD_SCHEDULED_EVENT_CREATE")["image"] is not None
    path = f"{base}/{made['id']}"
    missed = {"original_scheduled_start_time": "2030-01-08T00:00:00+00:00", "is_canceled": True}
    exception = await rest.ok("POST", f"{path}/exceptions", missed)
    assert last(heard, "GUILD_SCHEDULED_EVENT_EXCEPTION_CREATE")["is_canceled"] is True
    shown = (await rest.ok("GET", path))["guild_scheduled_event_exceptions"]
    assert [each["event_exception_id"] for each in shown] == [exception["event_exception_id"]]
    one = f"{path}/exceptions/{exception['event_exception_id']}"
    assert (await rest.ok("PATCH", one, {"is_canceled": False}))["is_canceled"] is False
    place = rest.world.guild_ids()[0]
    alice = rest.world.find_user("alice").id
    rest.world.model.set_scheduled_event_subscription(place, int(made["id"]), alice, True)
    users = await rest.ok("GET", f"{path}/{exception['event_exception_id']}/users?with_member=true")
    assert users[0]["member"]["user"]["username"] == "alice"
    await rest.ok("DELETE", one)
    assert (await rest.ok("GET", path))["guild_scheduled_event_exceptions"] == []
    await rest.call("DELETE", one, expect=404)
    del event["recurrence_rule"]
    once = await rest.ok("POST", base, event)
    await rest.call("POST", f"{base}/{once['id']}/exceptions", missed, expect=400)
