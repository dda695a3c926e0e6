"""Rules of Discord that no single header shows: scopes, hidden limits, shared buckets."""

from __future__ import annotations

import pytest

from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.response import Answer, Scope, Window
from nescord_core.ratelimit.route import Priority, Route, route_of
from nescord_core.ratelimit.tickets import Refusal, Ticket
from nescord_core.snowflake import from_ms

NOW_MS = 1_790_000_000_000


def route(method: str, path: str, *fields: str) -> Route:
    return route_of(method, path, unix_ms=NOW_MS, fields=frozenset(fields))


def submit(limiter: Limiter, wanted: Route, now: float = 0.0, token: str = "bot") -> Ticket:
    ticket = limiter.submit(wanted, token, now)
    assert isinstance(ticket, Ticket), ticket
    return ticket


def go(limiter: Limiter, now: float) -> list[Ticket]:
    return limiter.poll(now).granted


def answer(remaining: int, bucket: str = "h", limit: int = 50) -> Answer:
    return Answer(200, Window(limit, remaining, 5.0, 100.0, bucket))


def test_a_shared_429_parks_its_own_kind_of_request_and_counts_for_nobody() -> None:
    limiter = Limiter()
    get, post = (route(method, "/channels/1/messages") for method in ("GET", "POST"))
    for wanted in (get, post):
        limiter.complete(_granted(limiter, wanted), answer(40), 0.0)
    ticket = _granted(limiter, post)
    shared = Answer(429, Window(50, 0, 5.0, 100.0, "h"), scope=Scope.SHARED, retry_after=9.0, remaining=0)
    assert limiter.complete(ticket, shared, 0.0)
    other = submit(limiter, get, 1.0)
    assert go(limiter, 1.0) == [other], "the same bucket, but not covered by the limit"
    assert limiter.invalid.count(1.0) == 0
    assert limiter.limited == {"shared": 1}
    limiter.complete(other, answer(39), 1.0)
    assert go(limiter, 8.9) == []
    assert go(limiter, 9.1) == [ticket]


def _granted(limiter: Limiter, wanted: Route) -> Ticket:
    ticket = submit(limiter, wanted)
    assert go(limiter, 0.0) == [ticket]
    return ticket


@pytest.mark.parametrize(
    ("wanted", "limit", "window"),
    [
        (route("PATCH", "/channels/1", "name"), 2, 600.0),
        (route("PATCH", "/channels/1", "topic"), 2, 600.0),
        (route("PATCH", "/channels/1", "nsfw"), 10, 15.0),
        (route("POST", "/webhooks/1/token"), 30, 60.0),
    ],
)
def test_a_limit_that_no_header_shows_is_kept_and_used_up(wanted: Route, limit: int, window: float) -> None:
    limiter = Limiter()
    sent: list[float] = []
    for _ in range(limit + 1):
        submit(limiter, wanted)
    for now in (0.0, window - 0.1, window + 0.1):
        while granted := go(limiter, now):
            for ticket in granted:
                sent.append(now)
                limiter.complete(ticket, answer(40), now)
    assert sent == [0.0] * limit + [window + 0.1]


def test_an_answer_of_the_window_before_that_comes_late_says_nothing_of_this_one() -> None:
    limiter, post = Limiter(), route("POST", "/channels/1/messages")
    for _ in range(40):
        submit(limiter, post)

    def reply(remaining: int, after: float, reset: float) -> Answer:
        return Answer(200, Window(5, remaining, after, reset, "h"))

    def window(now: float, reset: float, count: int, left: int) -> list[Ticket]:
        """Grant a window's requests and answer all but the last."""
        out = go(limiter, now)
        assert len(out) == count
        for number, ticket in enumerate(out[:-1]):
            limiter.complete(ticket, reply(left - number, reset - 100.0 - now, reset), now)
        return out

    first = window(0.0, 105.0, 1, 4)
    limiter.complete(first[0], reply(4, 5.0, 105.0), 0.0)
    limiter.complete(window(0.01, 105.0, 4, 3)[-1], reply(0, 4.99, 105.0), 0.01)
    limiter.complete(window(5.02, 110.02, 1, 4)[0], reply(4, 5.0, 110.02), 5.03)
    late = window(5.04, 110.02, 4, 3)[-1]  # it arrived at the very end of its window
    fresh = window(10.03, 115.03, 4, 4)
    limiter.complete(late, reply(0, 0.01, 110.02), 10.1)
    assert len(go(limiter, 10.12)) == 1, "four of five are used up"
    limiter.complete(fresh[-1], reply(1, 4.9, 115.03), 10.13)
    assert go(limiter, 14.9) == []


def test_a_window_that_began_before_ours_was_over_is_not_taken_for_a_leak() -> None:
    limiter, post = Limiter(), route("POST", "/channels/1/messages")
    tickets = [submit(limiter, post) for _ in range(12)]

    def complete(ticket: Ticket, now: float, remaining: int, after: float, reset: float) -> None:
        limiter.complete(ticket, Answer(200, Window(5, remaining, after, reset, "h")), now)

    assert go(limiter, 0.0) == tickets[:1]
    complete(tickets[0], 0.8, 4, 5.0, 105.0)
    assert go(limiter, 4.9) == tickets[1:5]
    # Discord's window ended at 105, ours at 5.8: a request sent in between opened the next, until 110.3.
    complete(tickets[1], 5.3, 3, 0.1, 105.0)
    complete(tickets[4], 5.35, 2, 5.0, 110.3)
    assert go(limiter, 9.9) == [], "a leaking bucket would have given one back"


def test_each_class_of_message_deletion_has_a_bucket_of_its_own_under_one_hash() -> None:
    limiter = Limiter()
    for seconds in (15 * 24 * 3600, 3600, 5):
        message = from_ms(NOW_MS - seconds * 1000)
        ticket = submit(limiter, route("DELETE", f"/channels/1/messages/{message}"))
        assert go(limiter, 0.0) == [ticket], "an empty bucket of one class does not block another"
        limiter.complete(ticket, answer(0), 0.0)
    assert limiter.buckets() == 3


def test_requests_without_a_token_share_a_global_limit_of_their_own() -> None:
    limiter = Limiter(global_limit=2)
    hooks = [submit(limiter, route("POST", f"/webhooks/{number}/x"), token="") for number in range(3)]
    assert go(limiter, 0.0) == hooks[:2], "one address, one limit"
    mine = submit(limiter, route("POST", "/channels/1/messages"))
    assert go(limiter, 0.0) == [mine]


def test_the_global_limit_is_what_it_is_set_to() -> None:
    for limit in (3, 500):
        limiter = Limiter(global_limit=limit)
        for channel in range(1000):
            submit(limiter, route("POST", f"/channels/{channel}/messages"))
        assert len(go(limiter, 0.0)) == limit


def test_invalid_requests_of_all_tokens_count_together() -> None:
    limiter = Limiter(invalid=InvalidRequests(slow_from=3, refuse_from=3))
    for number in range(3):
        ticket = submit(limiter, route("POST", "/channels/1/messages"), token=f"bot {number}")
        assert go(limiter, 0.0) == [ticket]
        limiter.complete(ticket, Answer(403, Window(5, 4, 1.0, 0.0, "h")), 0.0)
    refused = limiter.submit(route("POST", "/channels/1/messages"), "yet another", 1.0)
    assert isinstance(refused, Refusal)
    assert refused.status == 429


def test_interactions_go_ahead_of_normal_requests_and_those_ahead_of_bulk() -> None:
    limiter = Limiter(global_limit=1)
    limiter.complete(_granted(limiter, route("GET", "/gateway")), answer(40, "g"), 0.0)
    waiting = []
    for number, priority in enumerate((Priority.BULK, Priority.NORMAL, Priority.INTERACTION)):
        wanted = route("POST", f"/channels/{number}/messages")._replace(priority=priority)
        waiting.append(submit(limiter, wanted, 0.1 * number))
    order: list[Ticket] = []
    for number in range(1, 40):
        for ticket in go(limiter, number * 0.1):
            order.append(ticket)
            limiter.complete(ticket, answer(40, str(number)), number * 0.1)
    assert order == waiting[::-1]
