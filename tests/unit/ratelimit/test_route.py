from __future__ import annotations

import pytest

from nescord_core.ratelimit.route import (
    CHANNEL_EDIT,
    RENAME,
    WEBHOOK_EXECUTE,
    Priority,
    Route,
    needs_fields,
    route_of,
)
from nescord_core.snowflake import from_ms

NOW_MS = 1_790_000_000_000
INTERACTION = "aW50ZXJhY3Rpb246MTIzOmFiYw"


def route(method: str, path: str, *fields: str) -> Route:
    return route_of(method, path, unix_ms=NOW_MS, fields=frozenset(fields))


@pytest.mark.parametrize(
    ("path", "template", "major"),
    [
        ("/channels/1/messages/2", "/channels/:id/messages/:id", "channels/1"),
        ("/guilds/3/members/4", "/guilds/:id/members/:id", "guilds/3"),
        ("/users/@me/guilds", "/users/@me/guilds", ""),
        ("/users/5", "/users/:id", ""),
        ("/invites/abc", "/invites/:code", ""),
        ("/guilds/templates/xyz", "/guilds/templates/:code", ""),
        ("/webhooks/7", "/webhooks/:id", "webhooks/7"),
        ("/webhooks/7/secret", "/webhooks/:id/:token", "webhooks/7/secret"),
        (
            "/webhooks/7/secret/messages/@original",
            "/webhooks/:id/:token/messages/:id",
            "webhooks/7/secret",
        ),
        ("/gateway/bot", "/gateway/bot", ""),
        ("/", "/", ""),
    ],
)
def test_a_bucket_is_keyed_by_route_template_and_major_parameter(
    path: str, template: str, major: str
) -> None:
    made = route("GET", path)
    assert (made.template, made.major) == (template, major)


def test_deleting_messages_falls_in_three_classes_by_age() -> None:
    ages = {15 * 24 * 3600: "older than two weeks", 3600: "", 5: "younger than ten seconds"}
    for seconds, variant in ages.items():
        message = from_ms(NOW_MS - seconds * 1000)
        assert route("DELETE", f"/channels/1/messages/{message}").variant == variant


@pytest.mark.parametrize("message", ["1" * 5000, "@original", "abc", "0"])
def test_an_odd_message_id_does_not_break_the_age_class(message: str) -> None:
    assert route("DELETE", f"/channels/1/messages/{message}").variant in {"", "older than two weeks"}


def test_adding_and_removing_reactions_share_one_bucket() -> None:
    put = route("PUT", "/channels/1/messages/2/reactions/%F0%9F%91%8D/@me")
    own = route("DELETE", "/channels/1/messages/3/reactions/name:4/@me")
    other = route("DELETE", "/channels/1/messages/3/reactions/name:4/99")
    assert put == own == other
    assert put.family != route("DELETE", "/channels/1/messages/3/reactions").family


def test_channel_name_and_topic_have_a_hidden_limit_of_their_own_in_the_same_bucket() -> None:
    assert needs_fields("PATCH", "/channels/1")
    assert not needs_fields("PATCH", "/channels/1/messages/2")
    rename, other = route("PATCH", "/channels/1", "name"), route("PATCH", "/channels/1", "nsfw")
    assert rename.sub == RENAME
    assert (rename.sub.limit, rename.sub.window) == (2, 600.0)
    assert other.sub == CHANNEL_EDIT
    assert rename.family == other.family
    assert route("PATCH", "/channels/1", "topic", "nsfw").sub == RENAME


def test_emoji_routes_are_limited_per_guild_and_their_headers_are_not_exact() -> None:
    post, delete = route("POST", "/guilds/1/emojis"), route("DELETE", "/guilds/1/emojis/2")
    assert post == delete
    assert not post.exact
    assert route("GET", "/guilds/1/emojis").exact


def test_executing_a_webhook_has_the_hidden_limit_of_30_in_60_seconds() -> None:
    assert route("POST", "/webhooks/1/token").sub == WEBHOOK_EXECUTE
    assert route("POST", "/webhooks/1/token/slack").sub == WEBHOOK_EXECUTE
    assert route("PATCH", "/webhooks/1/token/messages/2").sub is None


def test_interactions_are_exempt_from_the_global_limit_and_go_first() -> None:
    for path in (f"/interactions/1/{INTERACTION}/callback", f"/webhooks/1/{INTERACTION}/messages/@original"):
        made = route("POST", path)
        assert made.exempt
        assert made.priority is Priority.INTERACTION
        assert not made.authenticated
    assert not route("POST", "/webhooks/1/plain").exempt


def test_a_follow_up_that_comes_too_early_does_not_mark_its_webhook_as_gone() -> None:
    assert route("POST", f"/webhooks/1/{INTERACTION}").webhook == ""
    assert route("POST", "/webhooks/1/plain").webhook
