from __future__ import annotations

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nescord_core.bot.ordering import EventOrder


def test_events_start_at_once_while_there_are_slots() -> None:
    order: EventOrder[str] = EventOrder(2)
    assert order.arrive("a", 1)
    assert order.arrive("b", 1)
    assert not order.arrive("c", 1)
    assert order.waiting == 1
    assert order.ended(1) == ["c"]
    assert order.waiting == 0


def test_an_exclusive_event_keeps_its_key_waiting_and_no_other() -> None:
    order: EventOrder[str] = EventOrder(10)
    assert order.arrive("a", 1, exclusive=True)
    assert not order.arrive("b", 1)
    assert not order.arrive("c", 1, exclusive=True)
    assert not order.arrive("d", 1)
    assert order.arrive("other", 2)
    assert order.ended(1, exclusive=True) == ["b", "c"]
    assert order.ended(1) == []
    assert order.ended(1, exclusive=True) == ["d"]


def test_an_event_that_needs_no_slot_still_does_not_overtake() -> None:
    order: EventOrder[str] = EventOrder(1)
    assert order.arrive("a", 1)
    assert not order.arrive("b", 1)
    assert not order.arrive("plain", 1, slots=0)
    assert order.ended(1) == ["b", "plain"]


def test_an_event_with_more_handlers_than_slots_starts_alone() -> None:
    order: EventOrder[str] = EventOrder(2)
    assert order.arrive("a", 1)
    assert not order.arrive("big", 1, slots=3)
    assert order.ended(1) == ["big"]
    assert not order.arrive("b", 2)


def test_what_has_not_started_can_be_withdrawn() -> None:
    order: EventOrder[str] = EventOrder(2)
    order.arrive("a", 1, exclusive=True)
    order.arrive("lane", 1)
    order.arrive("b", 2)
    order.arrive("backlog", 3)
    assert order.withdraw() == ["lane", "backlog"]
    assert order.ended(1, exclusive=True) == []
    assert order.ended(2) == []


def test_of_what_has_not_started_a_part_can_be_withdrawn_and_the_rest_keeps_its_order() -> None:
    order: EventOrder[str] = EventOrder(2)
    order.arrive("a", 1, exclusive=True)
    for item in ("lane 1", "lane 2", "lane 3"):
        order.arrive(item, 1)
    order.arrive("b", 2)
    for item in ("backlog 1", "backlog 2", "backlog 3"):
        order.arrive(item, 3)
    assert order.withdraw(lambda item: item.endswith("2")) == ["lane 2", "backlog 2"]
    assert order.waiting == 4
    assert order.ended(2) == ["backlog 1"]
    assert order.ended(1, exclusive=True) == ["lane 1"]
    assert order.ended(1) == ["lane 3"]
    assert order.ended(1) == ["backlog 3"]


@dataclass(eq=False)
class Event:
    number: int
    key: int
    exclusive: bool
    slots: int


class OrderMachine(RuleBasedStateMachine):
    """Checks the promises over the whole history."""

    LIMIT = 3

    def __init__(self) -> None:
        super().__init__()
        self.order: EventOrder[Event] = EventOrder(self.LIMIT)
        self.arrived: list[Event] = []
        self.started: list[Event] = []
        self.running: list[Event] = []

    def start(self, events: list[Event]) -> None:
        for event in events:
            assert not any(other.key == event.key and other.exclusive for other in self.running)
            self.started.append(event)
            self.running.append(event)

    @rule(key=st.integers(0, 2), exclusive=st.booleans(), slots=st.integers(0, 2))
    def arrive(self, key: int, exclusive: bool, slots: int) -> None:
        event = Event(len(self.arrived), key, exclusive, slots)
        self.arrived.append(event)
        if self.order.arrive(event, key, exclusive=exclusive, slots=slots):
            self.start([event])

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        event = data.draw(st.sampled_from(self.running))
        self.running.remove(event)
        self.start(self.order.ended(event.key, exclusive=event.exclusive, slots=event.slots))

    @invariant()
    def in_order_per_key(self) -> None:
        for key in range(3):
            numbers = [event.number for event in self.started if event.key == key]
            assert numbers == [event.number for event in self.arrived if event.key == key][: len(numbers)]

    @invariant()
    def bounded(self) -> None:
        used = sum(event.slots for event in self.running)
        assert used <= self.LIMIT or sum(1 for event in self.running if event.slots) == 1

    @invariant()
    def nothing_is_lost(self) -> None:
        assert self.order.waiting == len(self.arrived) - len(self.started)
        # Whatever ends, everything eventually starts.
        if not self.running:
            assert self.order.waiting == 0


TestOrderMachine = OrderMachine.TestCase


@given(st.lists(st.booleans(), min_size=1, max_size=8))
def test_an_ordered_key_runs_one_after_the_other(exclusives: list[bool]) -> None:
    order: EventOrder[int] = EventOrder(100)
    running = [n for n, exclusive in enumerate(exclusives) if order.arrive(n, 7, exclusive=exclusive)]
    done: list[int] = []
    while running:
        number = running.pop(0)
        done.append(number)
        running += order.ended(7, exclusive=exclusives[number])
    assert done == list(range(len(exclusives)))


def test_ending_what_never_closed_its_key_is_a_mistake_that_shows() -> None:
    order: EventOrder[str] = EventOrder(1)
    order.arrive("a", 1)
    with pytest.raises(KeyError):
        order.ended(1, exclusive=True)
