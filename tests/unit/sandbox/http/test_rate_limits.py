from __future__ import annotations

import pytest

from nescord_core.sandbox.http.rate_limits import (
    CHANNEL_NAME,
    Allowed,
    InvalidRequests,
    Limited,
    Limits,
    Rule,
    headers,
    rate_limited_body,
    rule_for,
)
from nescord_core.snowflake import from_ms

MESSAGES = Rule("messages", 5, 5.0)
ROLES = Rule("roles", 10, 10.0, fixed=True)


def take(limits: Limits, rule: Rule, now: float, major: str = "1") -> Allowed | Limited:
    return limits.take(rule, "token", major, now)


def allowed(found: Allowed | Limited) -> Allowed:
    assert isinstance(found, Allowed)
    return found


def limited(found: Allowed | Limited | None) -> Limited:
    assert isinstance(found, Limited)
    return found


def test_without_limits_nothing_is_refused_and_no_header_makes_a_client_wait() -> None:
    limits = Limits(1, enabled=False)
    for _ in range(20):
        assert limits.take_global("token", 0.0) is None
        assert take(limits, MESSAGES, 0.0) == Allowed(None)
        assert limits.take_hidden(CHANNEL_NAME, Allowed(None), "1", 0.0) is None
    assert headers(Allowed(None), 0.0) == {}


def test_a_leaky_bucket_gives_back_one_use_at_a_time() -> None:
    limits = Limits(50)
    assert [allowed(take(limits, MESSAGES, 0.0)).remaining for _ in range(5)] == [4, 3, 2, 1, 0]
    assert limited(take(limits, MESSAGES, 0.0)).retry_after == pytest.approx(1.0)
    assert allowed(take(limits, MESSAGES, 1.0)).remaining == 0
    assert limited(take(limits, MESSAGES, 1.5)).retry_after == pytest.approx(0.5)
    assert allowed(take(limits, MESSAGES, 100.0)).remaining == 4


def test_slide_interval_is_reset_after_through_used() -> None:
    """Buckets are mostly leaky: slide interval = reset_after / (limit - remaining)."""
    limits = Limits(50)
    for used in range(1, 6):
        found = allowed(take(limits, MESSAGES, 0.0))
        assert found.reset_after / (MESSAGES.limit - found.remaining) == pytest.approx(1.0)
        assert MESSAGES.limit - found.remaining == used


def test_a_fixed_window_has_a_reset_that_does_not_move() -> None:
    """PUT of a member's role has a fixed window: Reset does not move."""
    limits = Limits(50)
    resets = {now + allowed(take(limits, ROLES, now)).reset_after for now in (0.0, 1.0, 4.0, 9.0)}
    assert resets == {10.0}
    assert allowed(take(limits, ROLES, 10.0)).remaining == 9
    rule = rule_for("add_guild_member_role", "PUT", {}, 0)
    assert rule is not None
    assert rule.fixed


def test_buckets_are_apart_by_major_parameter_and_share_their_hash() -> None:
    limits = Limits(50)
    for _ in range(5):
        allowed(take(limits, MESSAGES, 0.0, "1"))
    limited(take(limits, MESSAGES, 0.0, "1"))
    assert allowed(take(limits, MESSAGES, 0.0, "2")).remaining == 4
    assert MESSAGES.hash == Rule("messages", 5, 5.0).hash != ROLES.hash


def test_a_refused_request_uses_nothing() -> None:
    limits = Limits(50)
    for _ in range(5):
        take(limits, MESSAGES, 0.0)
    for _ in range(100):
        limited(take(limits, MESSAGES, 0.0))
    assert isinstance(take(limits, MESSAGES, 1.0), Allowed)


def test_global_limit_is_per_token_and_second() -> None:
    """Global limit: 50 per second a bot by default."""
    limits = Limits(50)
    assert all(limits.take_global("a", 0.0) is None for _ in range(50))
    over = limited(limits.take_global("a", 0.4))
    assert over.scope == "global"
    assert over.retry_after == pytest.approx(0.6)
    assert limits.take_global("b", 0.4) is None
    assert limits.take_global("a", 1.0) is None


def test_reactions_share_one_bucket() -> None:
    """PUT and DELETE of reactions share one."""
    put = rule_for("add_my_message_reaction", "PUT", {}, 0)
    delete = rule_for("delete_my_message_reaction", "DELETE", {}, 0)
    assert put is not None
    assert put == delete


def test_deletes_fall_in_three_classes_by_age() -> None:
    """Message deletes: older than two weeks, between, and younger than 10 s; each has its own bucket."""
    now = 1_700_000_000_000
    ages = (1_000, 3_600_000, 15 * 86_400_000)
    rules = [
        rule_for("delete_message", "DELETE", {"message_id": str(from_ms(now - age))}, now) for age in ages
    ]
    assert len({rule.bucket for rule in rules if rule is not None}) == 3


def test_answering_an_interaction_has_no_bucket_and_no_headers() -> None:
    """Some routes answer with no rate-limit headers at all."""
    assert rule_for("create_interaction_response", "POST", {}, 0) is None
    assert headers(allowed(Limits(50).take(None, "t", "", 0.0)), 0.0) == {}


def test_a_hidden_sub_limit_shows_remaining_uses() -> None:
    """A 429 with Remaining > 0 is a hidden sub-limit: channel name or topic, 2 per 10 min."""
    limits = Limits(50)
    main = Rule("channel", 10, 15.0)
    for _ in range(2):
        assert limits.take_hidden(CHANNEL_NAME, allowed(take(limits, main, 0.0)), "1", 0.0) is None
    third = limited(limits.take_hidden(CHANNEL_NAME, allowed(take(limits, main, 0.0)), "1", 0.0))
    assert third.retry_after == pytest.approx(600.0)
    assert int(headers(third, 0.0)["X-RateLimit-Remaining"]) == 7
    assert headers(third, 0.0)["X-RateLimit-Scope"] == "user"


def test_headers_and_body_of_a_429() -> None:
    limits = Limits(50)
    for _ in range(5):
        take(limits, MESSAGES, 0.0)
    found = limited(take(limits, MESSAGES, 0.25))
    shown = headers(found, 1_000.0)
    assert shown["Retry-After"] == "1"
    assert shown["X-RateLimit-Reset"] == "1000.750"
    assert shown["X-RateLimit-Reset-After"] == "0.750"
    assert rate_limited_body(found) == {
        "message": "You are being rate limited.",
        "retry_after": 0.75,
        "global": False,
        "code": 0,
    }


def test_who_waits_as_told_is_let_in() -> None:
    """A client that waits for Reset-After, as rounded in the header, is never too early."""
    limits = Limits(50)
    rule = Rule("odd", 3, 1.0)
    now = 0.0
    for _ in range(200):
        found = take(limits, rule, now)
        if isinstance(found, Limited):
            now += rate_limited_body(found)["retry_after"]
            found = allowed(take(limits, rule, now))
        if found.remaining == 0:
            now += float(headers(found, 0.0)["X-RateLimit-Reset-After"]) / rule.limit + 0.001


def test_invalid_requests_end_in_a_ban_and_shared_limits_do_not_count() -> None:
    """10,000 per 10 minutes of 401, 403, 429 (not shared) end in a ban."""
    invalid = InvalidRequests(limit=3, window=600.0)
    for status, scope in ((401, None), (404, None), (429, "shared"), (403, None), (200, None)):
        invalid.count(status, scope, 0.0)
    assert len(invalid) == 2
    assert invalid.banned_for(1.0) == 0
    invalid.count(429, "user", 10.0)
    assert invalid.banned_for(10.0) == pytest.approx(590.0)
    assert invalid.banned_for(601.0) == 0
