from __future__ import annotations

from nescord_core.dispatch.protocol.batching import Linger


def run(rate: float, seconds: float = 2.0, longest: float = 0.005) -> tuple[float, float]:
    """Simulate evenly spaced events; return (events per message, longest wait)."""
    linger = Linger(longest)
    step, at, events, messages, worst = 1 / rate, 0.0, 0, 0, 0.0
    pending: list[float] = []
    due: float | None = None
    while at < seconds:
        at += step
        if due is not None and due <= at:
            worst = max(worst, due - pending[0])
            linger.sent(due, len(pending))
            messages += 1
            pending, due = [], None
        pending.append(at)
        events += 1
        if due is None:
            due = at + linger.delay(at)
            if due == at:
                linger.sent(at, 1)
                messages += 1
                pending, due = [], None
    return events / messages, worst


def test_rare_events_never_wait() -> None:
    batch, worst = run(100)
    assert batch == 1
    assert worst == 0


def test_dense_events_are_batched_within_the_longest_wait() -> None:
    batch, worst = run(20_000)
    assert batch > 50
    assert worst <= 0.005 + 1e-9


def test_in_between_the_wait_grows_with_the_rate() -> None:
    sizes = [run(rate)[0] for rate in (150, 500, 1000, 5000)]
    assert sizes == sorted(sizes)
    assert sizes[0] == 1
    assert sizes[-1] > 10


def test_after_a_quiet_moment_the_first_goes_at_once() -> None:
    linger = Linger(0.005)
    for at in range(1000):
        linger.sent(at * 0.001, 20)
    assert linger.delay(1.0) > 0
    assert linger.delay(1.1) == 0
    linger.sent(60.0, 1)
    assert linger.delay(60.0001) == 0


def test_no_linger_means_no_wait() -> None:
    linger = Linger(0.0)
    for at in range(100):
        linger.sent(at * 0.0001, 100)
    assert linger.delay(0.01) == 0
