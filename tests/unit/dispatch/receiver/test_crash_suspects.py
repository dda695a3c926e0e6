"""Suspects run one at a time, and nothing overtakes them."""

from __future__ import annotations

from nescord_core.dispatch.receiver.crash_suspects import Isolation


class Delivery:
    """Compared by identity, as deliveries are."""


def test_without_a_suspect_everything_begins_at_once() -> None:
    isolation: Isolation[Delivery] = Isolation()
    one, two = Delivery(), Delivery()
    assert isolation.arrive(one, suspect=False)
    assert isolation.arrive(two, suspect=False)
    assert isolation.release(one) == []
    assert isolation.is_idle


def test_a_suspect_holds_back_what_follows_until_it_ends() -> None:
    isolation: Isolation[Delivery] = Isolation()
    first, second, third, fourth = (Delivery() for _ in range(4))
    assert isolation.arrive(first, suspect=True)
    assert not isolation.arrive(second, suspect=False)
    assert not isolation.arrive(third, suspect=True)
    assert not isolation.arrive(fourth, suspect=False)
    assert isolation.release(second) == []
    assert isolation.release(first) == [second, third]
    assert isolation.release(first) == [], "released twice"
    assert isolation.release(third) == [fourth]
    assert isolation.is_idle


def test_what_waits_can_be_given_back() -> None:
    isolation: Isolation[Delivery] = Isolation()
    first, second, third = (Delivery() for _ in range(3))
    isolation.arrive(first, suspect=True)
    isolation.arrive(second, suspect=True)
    isolation.arrive(third, suspect=False)
    assert isolation.withdraw(lambda each: each is second) == [second]
    assert isolation.release(first) == [third]
