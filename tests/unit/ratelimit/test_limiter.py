from __future__ import annotations

import pytest

from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.limiter import Limiter
from nescord_core.ratelimit.response import Answer, BodyFacts, Scope, Window, read
from nescord_core.ratelimit.route import Priority, Route, route_of
from nescord_core.ratelimit.tickets import Refusal, Ticket, TicketState

VIA = {"Via": "1.1 google"}


def message(channel: int = 1, method: str = "POST") -> Route:
    return route_of(method, f"/channels/{channel}/messages", unix_ms=0)


def submit(limiter: Limiter, route: Route, now: float = 0.0, token: str = "bot") -> Ticket:
    ticket = limiter.submit(route, token, now)
    assert isinstance(ticket, Ticket), ticket
    return ticket


def ok(
    remaining: int, *, limit: int = 5, after: float = 5.0, reset: float = 100.0, bucket: str = "h"
) -> Answer:
    return Answer(200, Window(limit, remaining, after, reset, bucket))


def limited(wait: float, *, remaining: int | None = 0, scope: Scope = Scope.USER) -> Answer:
    window = None if remaining is None else Window(5, remaining, wait, 100.0, "h")
    return Answer(429, window, scope=scope, retry_after=wait, remaining=remaining)


def go(limiter: Limiter, now: float) -> list[Ticket]:
    return limiter.poll(now).granted


def test_an_unknown_bucket_is_asked_by_one_request_first() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(8)]
    assert go(limiter, 0.0) == tickets[:1]
    assert go(limiter, 0.1) == []
    limiter.complete(tickets[0], ok(4), 0.2)
    assert go(limiter, 0.2) == tickets[1:5], "as many as Remaining allows, in order"
    assert limiter.poll(0.2).wake >= 5.2, "until an answer or the reset"


def test_an_empty_bucket_wakes_at_reset_after_and_not_at_the_wall_clock_reset() -> None:
    limiter = Limiter()
    first, second = submit(limiter, message()), submit(limiter, message())
    go(limiter, 0.0)
    limiter.complete(first, ok(0, after=5.0, reset=4_000_000_000.0), 1.0)
    assert 6.0 <= limiter.poll(1.0).wake <= 6.05
    assert go(limiter, 6.05) == [second]


def test_routes_without_rate_limit_headers_do_not_stall() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(20)]
    assert len(go(limiter, 0.0)) == 1
    limiter.complete(tickets[0], Answer(200), 0.1)
    assert len(go(limiter, 0.1)) == 19


def test_a_cancelled_request_gives_its_slot_back_queued_or_granted() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(4)]
    assert go(limiter, 0.0) == tickets[:1]
    limiter.cancel(tickets[1], 0.0)
    limiter.cancel(tickets[0], 0.0)
    assert go(limiter, 0.0) == tickets[2:3]
    limiter.cancel(tickets[2], 0.0, sent=True)
    assert go(limiter, 0.0) == tickets[3:]
    limiter.cancel(tickets[3], 0.0)
    limiter.cancel(tickets[3], 0.0)
    assert (limiter.waiting, limiter.in_flight) == (0, 0)


def test_a_request_lost_on_the_way_counts_as_used_until_the_reset() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(6)]
    go(limiter, 0.0)
    limiter.complete(tickets[0], ok(2), 0.0)
    assert go(limiter, 0.0) == tickets[1:3]
    limiter.cancel(tickets[1], 0.1, sent=True)
    assert go(limiter, 0.1) == [], "Discord may have counted it"


def test_hashes_merge_routes_into_one_bucket_and_the_major_parameter_keeps_channels_apart() -> None:
    limiter = Limiter()
    get, post = message(method="GET"), message()
    for route in (get, post, message(2)):
        ticket = submit(limiter, route)
        go(limiter, 0.0)
        limiter.complete(ticket, ok(0), 0.0)
    assert limiter.buckets() == 2
    submit(limiter, get, 1.0)
    submit(limiter, message(2), 1.0)
    assert go(limiter, 1.0) == []


def test_a_429_with_remaining_parks_only_that_class_of_request() -> None:
    limiter = Limiter()
    rename = route_of("PATCH", "/channels/1", unix_ms=0, fields=frozenset({"name"}))
    other = route_of("PATCH", "/channels/1", unix_ms=0, fields=frozenset({"nsfw"}))
    first = submit(limiter, rename)
    go(limiter, 0.0)
    assert limiter.complete(first, limited(300.0, remaining=3), 0.0), "worth waiting for"
    edit = submit(limiter, other, 1.0)
    assert go(limiter, 1.0) == [edit]
    limiter.complete(edit, ok(4), 1.0)
    assert go(limiter, 299.0) == []
    assert go(limiter, 301.0) == [first]


def test_the_third_rename_in_ten_minutes_waits_by_itself() -> None:
    limiter = Limiter()
    rename = route_of("PATCH", "/channels/1", unix_ms=0, fields=frozenset({"topic"}))
    for now in (0.0, 10.0):
        ticket = submit(limiter, rename, now)
        assert go(limiter, now) == [ticket]
        limiter.complete(ticket, ok(4, reset=now), now)
    third = submit(limiter, rename, 20.0)
    assert go(limiter, 599.0) == []
    assert go(limiter, 601.0) == [third]


def test_a_429_of_the_bucket_stays_first_in_first_out() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(5)]
    go(limiter, 0.0)
    limiter.complete(tickets[0], ok(4, after=1.0), 0.0)
    out = go(limiter, 0.0)
    assert limiter.complete(out[1], limited(2.0), 0.1)
    assert limiter.complete(out[0], limited(2.0), 0.1)
    limiter.cancel(out[2], 0.1)
    limiter.cancel(out[3], 0.1)
    assert go(limiter, 1.0) == []
    assert go(limiter, 2.2) == [out[0]], "one request probes, the oldest first"
    limiter.complete(out[0], ok(4, reset=102.0), 2.3)
    assert go(limiter, 2.3) == [out[1]]


def test_a_429_without_any_headers_waits_as_its_body_says() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message())
    go(limiter, 0.0)
    assert limiter.complete(ticket, read(429, VIA, BodyFacts(True, 3.0)), 0.0)
    assert go(limiter, 2.9) == []
    assert go(limiter, 3.1) == [ticket]


def test_a_request_is_not_tried_for_ever() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message())
    now, tries = 0.0, 0
    while True:
        now += 10.0
        assert go(limiter, now) == [ticket]
        tries += 1
        if not limiter.complete(ticket, limited(1.0), now):
            break
    assert 3 <= tries <= 10


def test_a_global_429_stops_the_token_but_not_interactions_or_other_tokens() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message())
    go(limiter, 0.0)
    limiter.complete(ticket, limited(5.0, remaining=None, scope=Scope.GLOBAL), 0.0)
    blocked = submit(limiter, message(2), 0.1)
    callback = submit(limiter, route_of("POST", "/interactions/1/tok/callback", unix_ms=0), 0.1, token="")
    stranger = submit(limiter, message(3), 0.1, token="other")
    assert set(go(limiter, 0.1)) == {callback, stranger}
    assert blocked in go(limiter, 5.1)


def test_the_global_slot_is_taken_last_so_that_a_waiting_bucket_starves_nobody() -> None:
    limiter = Limiter(global_limit=2)
    first = submit(limiter, message(1))
    go(limiter, 0.0)
    limiter.complete(first, ok(0, after=60.0), 0.0)
    stuck = [submit(limiter, message(1), 0.1) for _ in range(10)]
    free = submit(limiter, message(2), 0.2)
    assert go(limiter, 0.2) == [free]
    assert all(ticket.state is TicketState.QUEUED for ticket in stuck)


def test_interactions_are_exempt_from_the_global_limit() -> None:
    limiter = Limiter(global_limit=1)
    routes = [route_of("POST", f"/interactions/{n}/tok/callback", unix_ms=0) for n in range(20)]
    for route in routes:
        submit(limiter, route, token="")
    assert len(go(limiter, 0.0)) == 20


def test_bulk_goes_behind_normal_requests_but_not_for_ever() -> None:
    limiter = Limiter(global_limit=1)
    bulk = submit(limiter, message(1)._replace(priority=Priority.BULK), 0.0)
    order: list[Ticket] = []
    now = 0.0
    for channel in range(2, 200):
        submit(limiter, message(channel), now)
        order += go(limiter, now)
        now += 1.1
    assert order[0] is bulk or order.index(bulk) > 1
    assert bulk in order, "its rank is later, not infinite"


def test_tokens_are_kept_apart() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message(), token="one")
    go(limiter, 0.0)
    limiter.complete(ticket, ok(0), 0.0)
    other = submit(limiter, message(), 0.1, token="two")
    assert go(limiter, 0.1) == [other]


def test_a_401_locks_its_token_only_and_can_be_unlocked() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message(), token="bad")
    queued = submit(limiter, message(), token="bad")
    go(limiter, 0.0)
    limiter.complete(ticket, Answer(401), 0.0)
    result = limiter.poll(0.0)
    assert result.refused[0][0] is queued
    assert result.refused[0][1].status == 401
    refused = limiter.submit(message(), "bad", 0.1)
    assert isinstance(refused, Refusal)
    assert refused.status == 401
    submit(limiter, message(), 0.1, token="good")
    limiter.unlock("bad")
    submit(limiter, message(), 0.2, token="bad")


def test_a_locked_token_is_tried_again_by_one_request_after_a_while() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message(), token="bad")
    go(limiter, 0.0)
    limiter.complete(ticket, Answer(401), 0.0)
    again = submit(limiter, message(), 61.0, token="bad")
    assert go(limiter, 61.0) == [again]
    limiter.complete(again, ok(4), 61.5)
    assert not limiter.locked("bad", 62.0)


@pytest.mark.parametrize("token", ["", "bot"])
@pytest.mark.parametrize("path", ["/webhooks/1/token", "/interactions/1/token/callback"])
def test_a_401_of_a_webhook_or_interaction_token_locks_nothing(path: str, token: str) -> None:
    limiter = Limiter()
    ticket = submit(limiter, route_of("POST", path, unix_ms=0), token=token)
    go(limiter, 0.0)
    limiter.complete(ticket, Answer(401), 0.0)
    submit(limiter, message(), 0.1, token=token)
    submit(limiter, route_of("POST", path, unix_ms=0), 0.1, token=token)


def test_a_webhook_that_answered_404_is_not_called_again() -> None:
    limiter = Limiter()
    route = route_of("POST", "/webhooks/1/token", unix_ms=0)
    ticket = submit(limiter, route, token="")
    go(limiter, 0.0)
    limiter.complete(ticket, Answer(404, code=10015), 0.0)
    refused = limiter.submit(route, "", 1.0)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.code) == (404, 10015)


def test_a_missing_message_does_not_condemn_its_webhook() -> None:
    limiter = Limiter()
    route = route_of("PATCH", "/webhooks/1/token/messages/5", unix_ms=0)
    ticket = submit(limiter, route, token="")
    go(limiter, 0.0)
    limiter.complete(ticket, Answer(404, code=10008), 0.0)
    submit(limiter, route, 1.0, token="")


def test_a_ban_by_the_front_stops_everything_for_the_stated_time() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message())
    go(limiter, 0.0)
    assert not limiter.complete(ticket, read(429, {"Retry-After": "30"}, None), 0.0), "not retried at once"
    refused = limiter.submit(message(2), "other", 10.0)
    assert isinstance(refused, Refusal)
    assert refused.retry_after == pytest.approx(20.0)
    submit(limiter, message(2), 31.0)


def test_near_the_invalid_request_limit_everything_is_refused() -> None:
    limiter = Limiter(invalid=InvalidRequests(slow_from=3, refuse_from=3))
    for now in (0.0, 300.0, 599.0):
        ticket = submit(limiter, message(), now)
        assert go(limiter, now) == [ticket]
        limiter.complete(ticket, Answer(403, Window(5, 4, 1.0, now, "h")), now)
    refused = limiter.submit(message(), "bot", 599.5)
    assert isinstance(refused, Refusal)
    assert refused.status == 429


def test_the_queue_is_bounded() -> None:
    limiter = Limiter(max_queue=2)
    submit(limiter, message())
    submit(limiter, message())
    refused = limiter.submit(message(), "bot", 0.0)
    assert isinstance(refused, Refusal)
    assert (refused.status, refused.retry_after) == (503, 1.0)


def test_an_answer_whose_reset_is_older_than_the_known_one_is_ignored() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(7)]
    go(limiter, 0.0)
    limiter.complete(tickets[0], ok(4, after=5.0, reset=105.0), 0.0)
    go(limiter, 0.0)
    limiter.complete(tickets[1], ok(0, after=5.5, reset=106.0), 0.5)
    limiter.complete(tickets[2], ok(3, after=4.5, reset=105.0), 0.5)
    limiter.complete(tickets[3], ok(2, after=4.5, reset=105.0), 0.5)
    limiter.complete(tickets[4], ok(1, after=4.5, reset=105.0), 0.5)
    assert go(limiter, 0.6) == []


def test_a_leaky_bucket_gives_one_back_each_interval() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(7)]
    go(limiter, 0.0)
    for used, ticket in enumerate(tickets[:5], 1):
        limiter.complete(ticket, ok(5 - used, after=float(used), reset=100.0 + used), 0.0)
        go(limiter, 0.0)
    assert 1.0 <= limiter.poll(0.0).wake <= 1.05
    assert go(limiter, 1.05) == tickets[5:6]


def test_a_fixed_window_told_by_a_reset_that_does_not_move_gives_all_back_at_the_reset() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(20)]
    go(limiter, 0.0)
    for used, ticket in enumerate(tickets[:5], 1):
        limiter.complete(ticket, ok(5 - used, after=5.0, reset=105.0), 0.0)
        go(limiter, 0.0)
    assert go(limiter, 4.9) == []
    assert go(limiter, 5.05) == tickets[5:6], "the first time, one request probes whether all came back"
    limiter.complete(tickets[5], ok(4, after=5.0, reset=110.05), 5.06)
    assert go(limiter, 5.06) == tickets[6:10]
    for used, ticket in enumerate(tickets[6:10], 2):
        limiter.complete(ticket, ok(5 - used, after=4.9, reset=110.05), 5.1)
    assert go(limiter, 10.1) == tickets[10:15], "from then on the whole window at once"


def test_emoji_routes_go_one_at_a_time_whatever_their_headers_say() -> None:
    limiter = Limiter()
    route = route_of("POST", "/guilds/1/emojis", unix_ms=0)
    first, second = submit(limiter, route), submit(limiter, route)
    go(limiter, 0.0)
    limiter.complete(first, ok(49, limit=50), 0.1)
    assert go(limiter, 0.1) == [second]
    third = submit(limiter, route, 0.2)
    assert go(limiter, 0.2) == []
    assert limiter.complete(second, limited(9.0, remaining=40), 0.3)
    assert go(limiter, 1.0) == []
    assert go(limiter, 9.4) == [second]
    limiter.complete(second, ok(48, limit=50), 9.5)
    assert go(limiter, 9.5) == [third]


def test_idle_buckets_and_tokens_are_forgotten() -> None:
    limiter = Limiter()
    for channel in range(100):
        ticket = submit(limiter, message(channel), token=f"t{channel % 3}")
        go(limiter, 0.0)
        limiter.complete(ticket, ok(4), 0.0)
    assert limiter.buckets() == 100
    limiter.poll(100.0)
    assert limiter.buckets() == 0
    submit(limiter, message(), 4000.0, token="t0")
    limiter.poll(4000.0)
    assert limiter.tokens() == 1


def test_a_failure_without_headers_keeps_the_bucket_tight() -> None:
    limiter = Limiter()
    tickets = [submit(limiter, message()) for _ in range(9)]
    go(limiter, 0.0)
    limiter.complete(tickets[0], ok(4), 0.0)
    out = go(limiter, 0.0)
    for ticket in out:
        limiter.complete(ticket, Answer(502), 0.1)
    assert go(limiter, 0.1) == [], "they may have been counted"


def test_a_ticket_cannot_be_completed_twice() -> None:
    limiter = Limiter()
    ticket = submit(limiter, message())
    go(limiter, 0.0)
    limiter.complete(ticket, ok(4), 0.0)
    with pytest.raises(ValueError, match="not granted"):
        limiter.complete(ticket, ok(4), 0.0)


def test_idle_buckets_are_forgotten_while_nothing_waits() -> None:
    """Nobody polls then: every request is granted at once."""
    limiter = Limiter()
    for channel in range(200):
        route = message(channel)
        ticket = limiter.grant_at_once(route, "bot", channel * 0.1, route.lane_key)
        assert ticket is not None
        limiter.complete(ticket, ok(4, bucket=f"h{channel}"), channel * 0.1 + 0.05)
    assert limiter.buckets() == 200
    route = message(1000)
    assert limiter.grant_at_once(route, "bot", 3600.0, route.lane_key) is not None
    assert limiter.buckets() == 1
