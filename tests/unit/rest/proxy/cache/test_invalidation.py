from __future__ import annotations

import pytest

from nescord_core.ratelimit.route import route_of
from nescord_core.rest.proxy.cache.invalidation import (
    CACHEABLE,
    by_event,
    by_write,
    is_cacheable,
    kind_of,
    tags_of,
)
from nescord_core.settings import CACHE_KINDS


def tags(path: str) -> frozenset[str]:
    return tags_of(route_of("GET", path, unix_ms=0).template, path)


def drops(dropped: frozenset[str], path: str) -> bool:
    return not dropped.isdisjoint(tags(path))


@pytest.mark.parametrize(
    ("method", "write", "gone", "kept"),
    [
        (
            "PATCH",
            "/channels/1",
            ["/channels/1", "/channels/1/messages/5", "/guilds/2/channels"],
            ["/channels/3", "/guilds/2"],
        ),
        ("DELETE", "/channels/1", ["/channels/1", "/channels/3"], ["/guilds/2"]),
        (
            "POST",
            "/channels/1/messages",
            ["/channels/1", "/channels/1/messages"],
            ["/channels/1/webhooks", "/channels/12"],
        ),
        (
            "PUT",
            "/channels/1/messages/pins/5",
            ["/channels/1/messages/pins", "/channels/1/messages/5"],
            ["/channels/3"],
        ),
        ("PUT", "/channels/1/permissions/9", ["/channels/1", "/guilds/2/channels"], ["/guilds/2/roles"]),
        ("POST", "/channels/1/typing", [], ["/channels/1", "/channels/1/messages"]),
        (
            "PATCH",
            "/guilds/2/members/3",
            ["/guilds/2/members/3", "/guilds/2/members"],
            ["/guilds/2/members/4", "/guilds/2"],
        ),
        ("PATCH", "/guilds/2/members/@me", ["/guilds/2/members/3", "/guilds/2/members"], ["/guilds/2"]),
        ("DELETE", "/guilds/2/roles/4", ["/guilds/2", "/guilds/2/members/3", "/channels/1"], ["/guilds/20"]),
        ("PUT", "/guilds/2/bans/3", ["/guilds/2/bans", "/guilds/2/members"], ["/guilds/5"]),
        ("POST", "/guilds/2/emojis", ["/guilds/2/emojis", "/guilds/2"], ["/guilds/2/members"]),
        ("PATCH", "/users/@me", ["/users/@me", "/users/3", "/guilds/2/members/3"], []),
        ("POST", "/users/@me/channels", [], ["/users/@me"]),
        ("DELETE", "/users/@me/guilds/2", ["/users/@me/guilds", "/guilds/2/members"], ["/users/@me"]),
        ("PATCH", "/webhooks/5", ["/channels/1/webhooks", "/guilds/2/webhooks"], ["/channels/1"]),
        ("POST", "/webhooks/5/token", ["/channels/1/messages", "/channels/1"], ["/guilds/2/roles"]),
        ("POST", "/stage-instances", ["/stage-instances/1"], ["/channels/1"]),
    ],
)
def test_a_write_drops_what_it_may_change_and_little_else(
    method: str, write: str, gone: list[str], kept: list[str]
) -> None:
    dropped = by_write(method, write)
    assert [path for path in gone if not drops(dropped, path)] == []
    assert [path for path in kept if drops(dropped, path)] == []


@pytest.mark.parametrize(
    ("event", "ids", "gone", "kept"),
    [
        (
            "CHANNEL_UPDATE",
            {"id": "1", "guild_id": "2"},
            ["/channels/1", "/guilds/2/channels"],
            ["/guilds/3/channels"],
        ),
        ("CHANNEL_PINS_UPDATE", {"channel_id": "1", "guild_id": "2"}, ["/channels/1/pins"], ["/channels/3"]),
        (
            "MESSAGE_CREATE",
            {"id": "5", "channel_id": "1"},
            ["/channels/1", "/channels/1/messages"],
            ["/channels/3"],
        ),
        (
            "MESSAGE_REACTION_ADD",
            {"message_id": "5", "channel_id": "1", "guild_id": "2"},
            ["/channels/1/messages/5"],
            ["/guilds/2"],
        ),
        (
            "THREAD_UPDATE",
            {"id": "7", "parent_id": "1", "guild_id": "2"},
            ["/channels/7", "/channels/1", "/guilds/2/threads/active"],
            ["/guilds/2"],
        ),
        (
            "GUILD_MEMBER_UPDATE",
            {"user_id": "3", "guild_id": "2"},
            ["/guilds/2/members/3", "/users/3"],
            ["/guilds/2/members/4"],
        ),
        ("GUILD_MEMBER_REMOVE", {"guild_id": "2"}, ["/guilds/2/members/3", "/users/3"], ["/guilds/2"]),
        (
            "GUILD_ROLE_UPDATE",
            {"guild_id": "2", "role_id": "4"},
            ["/guilds/2/roles", "/guilds/2"],
            ["/guilds/3"],
        ),
        ("GUILD_UPDATE", {"id": "2"}, ["/guilds/2", "/guilds/2/roles"], ["/channels/1"]),
        ("GUILD_DELETE", {"id": "2"}, ["/guilds/2", "/users/@me/guilds", "/channels/1"], ["/users/3"]),
        ("GUILD_EMOJIS_UPDATE", {"guild_id": "2"}, ["/guilds/2/emojis", "/guilds/2"], ["/guilds/2/roles"]),
        (
            "VOICE_STATE_UPDATE",
            {"guild_id": "2", "user_id": "3"},
            ["/guilds/2/voice-states/@me"],
            ["/guilds/2"],
        ),
        ("WEBHOOKS_UPDATE", {"channel_id": "1", "guild_id": "2"}, ["/channels/1/webhooks"], ["/channels/1"]),
        ("TYPING_START", {"channel_id": "1", "user_id": "3"}, [], ["/channels/1", "/users/3"]),
        ("READY", {}, ["/voice/regions", "/guilds/2", "/users/@me"], []),
        (
            "SOMETHING_NEW",
            {"guild_id": "2", "channel_id": "1"},
            ["/guilds/2/roles", "/channels/1"],
            ["/guilds/3"],
        ),
        ("member", {"guild_id": "2", "user_id": "3"}, ["/guilds/2/members/3"], ["/guilds/2"]),
        ("channel", {"id": "1"}, ["/channels/1", "/guilds/2/channels"], ["/channels/3"]),
        ("all", {}, ["/guilds/2"], []),
    ],
)
def test_a_gateway_event_drops_what_it_changed(
    event: str, ids: dict[str, str], gone: list[str], kept: list[str]
) -> None:
    dropped = by_event(event, ids)
    assert [path for path in gone if not drops(dropped, path)] == []
    assert [path for path in kept if drops(dropped, path)] == []


@pytest.mark.parametrize(
    ("path", "query", "expected"),
    [
        ("/channels/1", "", True),
        ("/guilds/2", "with_counts=true", False),
        ("/guilds/2/audit-logs", "", False),
        ("/gateway/bot", "", False),
        ("/webhooks/1/token", "", False),
        ("/invites/code", "", False),
    ],
)
def test_only_what_the_gateway_tells_changes_of_is_kept(path: str, query: str, expected: bool) -> None:
    assert is_cacheable(route_of("GET", path, unix_ms=0).template, query) is expected


def test_no_tag_is_ever_empty() -> None:
    for event in ("MESSAGE_CREATE", "GUILD_MEMBER_ADD", "THREAD_DELETE", "GUILD_UPDATE", "X"):
        assert "" not in by_event(event, {})


@pytest.mark.parametrize("template", sorted(CACHEABLE))
def test_every_kept_route_is_of_a_kind_that_the_configuration_knows(template: str) -> None:
    assert kind_of(template) in CACHE_KINDS


def test_each_kind_has_a_route() -> None:
    assert {kind_of(template) for template in CACHEABLE} == set(CACHE_KINDS)
