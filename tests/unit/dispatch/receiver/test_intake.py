"""Main's handling of deliveries: start, recognize, delay, hand back and acknowledge them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from nescord_core.dispatch.receiver.intake import Delivery, Identity, Intake, identity_of
from nescord_core.envelope import Envelope


def event(seq: int, *, redelivered: bool = False) -> Envelope:
    return Envelope(0, "s", seq, "T", 1, 1, b"{}", 0.0, redelivered)


class Window:
    def __init__(self) -> None:
        self.known: set[Identity] = set()
        self.flushes = 0

    def seen(self, shard_id: int, session_id: str, seq: int) -> bool:
        return (shard_id, session_id, seq) in self.known

    def add(self, shard_id: int, session_id: str, seq: int) -> None:
        self.known.add((shard_id, session_id, seq))

    def flush(self) -> None:
        self.flushes += 1


class Evidence:
    def __init__(self) -> None:
        self.noted: list[Identity] = []
        self.taken_back: list[Identity] = []
        self.deaths: dict[Identity, int] = {}

    def add(self, identity: Identity) -> None:
        self.noted.append(identity)

    def retract(self, identity: Identity) -> None:
        self.taken_back.append(identity)

    def crashes(self, identity: Identity) -> int:
        return self.deaths.get(identity, 0)


@dataclass(eq=False)
class Stream:
    is_open: bool = True
    is_lost: bool = False
    outstanding: dict[int, Envelope] = field(default_factory=dict)
    told: list[tuple[int, str]] = field(default_factory=list)

    def finish(self, number: int) -> None:
        self.outstanding.pop(number, None)
        self.told.append((number, "done"))

    def hand_back(self, number: int, *, started: bool) -> None:
        self.outstanding.pop(number, None)
        self.told.append((number, "started" if started else "unstarted"))


class Side:
    """An intake and its collaborators; ``unbegun`` are deliveries whose handlers have not started."""

    def __init__(self) -> None:
        self.window, self.evidence = Window(), Evidence()
        self.accepted: list[Delivery] = []
        self.alone: list[Delivery] = []
        self.aside: list[Envelope] = []
        self.unbegun: list[Delivery] = []
        self.intake = Intake(
            finished=self.window,
            started=self.evidence,
            accept=self.accepted.append,
            alone=self.alone.append,
            set_aside=self.aside.append,
            withdraw=self._withdraw,
        )

    def _withdraw(self, stream: object) -> Iterable[Delivery]:
        return [each for each in self.unbegun if each.stream is stream]

    def stream(self) -> Stream:
        stream = Stream()
        self.intake.attach(stream)
        return stream

    def lose(self, stream: Stream) -> None:
        stream.is_lost = True
        self.intake.detach(stream)

    @property
    def seqs(self) -> list[int]:
        return [each.envelope.seq for each in self.accepted]


def test_an_event_is_handed_on_and_its_end_is_told_and_remembered() -> None:
    side = Side()
    stream = side.stream()
    side.intake.arrive(stream, 1, event(5))
    assert (side.seqs, side.intake.outstanding) == ([5], 1)
    side.intake.mark_started(side.accepted[0])
    assert side.evidence.noted == [(0, "s", 5)]
    assert side.intake.running() == {(0, "s", 5)}
    side.intake.done(side.accepted[0])
    assert stream.told == [(1, "done")]
    assert side.window.known == {(0, "s", 5)}
    assert side.intake.outstanding == 0
    assert side.intake.running() == set()


def test_what_was_handed_on_and_has_not_begun_is_not_to_blame_for_a_death() -> None:
    side = Side()
    stream = side.stream()
    for seq in range(1, 6):
        side.intake.arrive(stream, seq, event(seq))
    assert side.intake.running() == set()
    for delivery in side.accepted[:4]:
        side.intake.mark_started(delivery)
    side.intake.unmark_started(side.accepted[0])
    side.intake.handed_back(side.accepted[1], started=False)
    side.intake.handed_back(side.accepted[2], started=True)
    side.intake.unmark_started(side.accepted[4])
    assert side.intake.running() == {(0, "s", 4)}
    assert side.evidence.taken_back == [(0, "s", 1), (0, "s", 2)]


def test_what_was_finished_is_only_acknowledged_when_it_comes_again_marked() -> None:
    side = Side()
    stream = side.stream()
    side.window.known.add((0, "s", 5))
    side.intake.arrive(stream, 1, event(5, redelivered=True))
    assert (side.seqs, stream.told, side.intake.duplicates) == ([], [(1, "done")], 1)


def test_what_still_runs_for_a_lost_stream_is_not_begun_again_and_told_to_the_new_one() -> None:
    side = Side()
    first = side.stream()
    side.intake.arrive(first, 1, event(5))
    side.lose(first)
    assert side.intake.outstanding == 1
    second, third = side.stream(), side.stream()
    side.intake.arrive(second, 1, event(5, redelivered=True))
    side.lose(second)
    side.intake.arrive(third, 7, event(5, redelivered=True))
    assert side.seqs == [5]
    flushes = side.window.flushes
    side.intake.done(side.accepted[0])
    assert (first.told, second.told, third.told) == ([], [], [(7, "done")])
    assert side.window.flushes > flushes, "whoever asks next has to find it"
    assert side.intake.outstanding == 0


def test_what_had_not_begun_on_a_lost_stream_is_given_up_and_taken_anew() -> None:
    side = Side()
    first = side.stream()
    for number in (1, 2):
        side.intake.arrive(first, number, event(number))
    for delivery in side.accepted:
        side.intake.mark_started(delivery)
    side.unbegun = [side.accepted[1]]
    side.lose(first)
    assert side.intake.outstanding == 1
    assert side.intake.running() == {(0, "s", 1)}
    assert side.evidence.taken_back == [(0, "s", 2)]
    second = side.stream()
    for number in (1, 2):
        side.intake.arrive(second, number, event(number, redelivered=True))
    assert side.seqs == [1, 2, 2]
    assert side.accepted[2].stream is second


def test_what_comes_by_a_stream_that_was_replaced_is_ignored() -> None:
    side = Side()
    stream = side.stream()
    side.lose(stream)
    side.intake.arrive(stream, 1, event(1))
    assert (side.seqs, side.intake.outstanding, side.intake.received) == ([], 0, 0)


def test_what_meets_a_main_that_is_leaving_is_handed_back_unstarted() -> None:
    side = Side()
    stream = side.stream()
    stream.is_open = False
    side.intake.arrive(stream, 1, event(1))
    assert (side.seqs, stream.told) == ([], [(1, "unstarted")])


def test_what_was_in_flight_at_three_deaths_is_set_aside_and_at_two_runs_alone() -> None:
    side = Side()
    stream = side.stream()
    side.evidence.deaths = {(0, "s", 1): 3, (0, "s", 2): 2}
    for seq in (1, 2, 3, 4):
        side.intake.arrive(stream, seq, event(seq, redelivered=True))
    assert [each.seq for each in side.aside] == [1]
    assert side.seqs == [2]
    assert side.alone == side.accepted
    side.intake.release(side.accepted[0])
    assert side.seqs == [2, 3, 4]


def test_what_waits_behind_a_suspect_goes_on_when_the_suspects_stream_is_lost_before_it_began() -> None:
    side = Side()
    first, second = side.stream(), side.stream()
    side.evidence.deaths = {(0, "s", 1): 2}
    side.intake.arrive(first, 1, event(1, redelivered=True))
    side.intake.arrive(first, 2, event(2))
    side.intake.arrive(second, 1, event(3))
    side.unbegun = side.accepted[:]
    side.lose(first)
    assert side.seqs == [1, 3]


def test_a_drain_hands_back_what_waits_behind_a_suspect() -> None:
    side = Side()
    stream = side.stream()
    side.evidence.deaths = {(0, "s", 1): 2}
    for seq in (1, 2, 3):
        side.intake.arrive(stream, seq, event(seq, redelivered=True))
    side.intake.return_waiting()
    assert stream.told == [(2, "unstarted"), (3, "unstarted")]
    assert side.seqs == [1]


def test_an_event_that_cannot_be_handed_on_is_done_and_harms_no_other() -> None:
    side = Side()

    def accept(delivery: Delivery) -> None:
        raise RuntimeError

    side.intake = Intake(finished=side.window, started=side.evidence, accept=accept, alone=side.alone.append)
    stream = side.stream()
    side.intake.arrive(stream, 1, event(1))
    assert stream.told == [(1, "done")]


def test_two_events_with_equal_content_are_two() -> None:
    assert identity_of(event(1)) != identity_of(event(2))
