"""When a host asks again for a turn that another host has; the rest is in tests/contracts."""

from __future__ import annotations

from nescord_core.gateway.identify.shared_queue import shared_window
from support.gateway.shared_queues import MemoryTurns

WINDOW = 5.0


class Clock:
    now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_one_that_has_seen_a_turn_end_knows_when_the_next_one_does() -> None:
    clock = Clock()
    turns = MemoryTurns(clock, window=WINDOW)
    one, other = turns.queue(), turns.queue()
    await one.take(0, reserve=0)
    clock.now += 1
    wait = (await other.take(0, reserve=0)).wait
    assert wait is not None
    assert wait <= 0.25, "it does not know when the turn began, and asks again soon"
    clock.now = 105.0
    await other.take(0, reserve=0)
    clock.now = 100.0 + shared_window(WINDOW)
    await one.take(0, reserve=0)
    clock.now += 1
    wait = (await other.take(0, reserve=0)).wait
    assert wait == 105.0 + shared_window(WINDOW) - clock.now, "it began after 105.0"
    clock.now = 101.0 + 2 * shared_window(WINDOW)
    assert (await other.take(0, reserve=0)).wait == 0.0
    clock.now += 2
    assert (await other.take(0, reserve=0)).wait == shared_window(WINDOW) - 2, "it knows when its own began"
