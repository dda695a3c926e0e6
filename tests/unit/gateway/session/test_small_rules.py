from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.gateway.resume_point import ResumePoint
from nescord_core.gateway.session.backoff import Backoff
from nescord_core.gateway.session.latency import Latency
from nescord_core.gateway.session.opcodes import FATAL_CLOSES, AfterClose, after_close


@given(attempt=st.integers(0, 10_000), jitter=st.floats(0, 1))
def test_waits_stay_between_half_the_base_and_the_cap(attempt: int, jitter: float) -> None:
    assert 0.5 <= Backoff(1.0, 60.0).delay(attempt, jitter) <= 60.0


def test_waits_double() -> None:
    assert [Backoff(1.0, 60.0).delay(n, 1.0) for n in range(1, 9)] == [1, 2, 4, 8, 16, 32, 60, 60]


def test_tries_can_be_bounded() -> None:
    assert not Backoff().exhausted(10**6)
    assert not Backoff(attempts=3).exhausted(2)
    assert Backoff(attempts=3).exhausted(3)


def test_latency_is_from_beat_to_acknowledgement() -> None:
    latency = Latency()
    latency.acknowledged(1.0)
    assert latency.last is None
    latency.sent(10.0)
    latency.sent(10.5)
    latency.acknowledged(11.0)
    assert latency.last == 1.0
    latency.sent(20.0)
    latency.acknowledged(22.0)
    assert latency.average == pytest.approx(1.2)
    latency.sent(30.0)
    latency.forget()
    latency.acknowledged(99.0)
    assert latency.last == 2.0


def test_fatal_closes_are_these_six() -> None:
    assert {4004, 4010, 4011, 4012, 4013, 4014} == FATAL_CLOSES
    assert {c for c in range(3000, 5000) if after_close(c) is AfterClose.GIVE_UP} == FATAL_CLOSES
    assert after_close(None) is AfterClose.RESUME
    assert after_close(4009) is AfterClose.RESUME
    assert after_close(4007) is AfterClose.IDENTIFY


def test_the_persisted_seq_advances_only_over_acknowledged_events() -> None:
    mark = ResumePoint(10)
    assert mark.value == 10
    mark.delivered(11)
    mark.delivered(12)
    assert mark.value == 10
    mark.acknowledged(11)
    assert mark.value == 11
    mark.acknowledged(5)
    assert mark.value == 11


def test_filtered_events_hold_nothing_back() -> None:
    mark = ResumePoint()
    mark.skipped(1)
    assert mark.value == 1
    mark.delivered(2)
    mark.skipped(3)
    assert mark.value == 0
    mark.acknowledged(2)
    assert mark.value == 3


@given(st.lists(st.tuples(st.booleans(), st.floats(0, 1)), min_size=1, max_size=50))
def test_the_mark_never_passes_an_event_that_is_outstanding(wanted: list[tuple[bool, float]]) -> None:
    mark, done = ResumePoint(), 0
    delivered: list[int] = []
    for seq, (want, share) in enumerate(wanted, 1):
        if want:
            mark.delivered(seq)
            delivered.append(seq)
        else:
            mark.skipped(seq)
        if delivered:
            done = max(done, delivered[int(share * (len(delivered) - 1))])
            mark.acknowledged(done)
        outstanding = [d for d in delivered if d > done]
        assert mark.value < min(outstanding, default=seq + 1)
    if delivered:
        mark.acknowledged(delivered[-1])
    assert mark.value == len(wanted)
