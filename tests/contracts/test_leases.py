"""Contract of every implementation of leases, on disk and in memory."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nescord_core.bot.leases import FileLeases, Leases, MemoryLeases


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["file", "memory"])
def leases(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Leases:
    return FileLeases(tmp_path / "leases", clock) if request.param == "file" else MemoryLeases(clock)


async def test_one_holder_has_it(leases: Leases) -> None:
    assert await leases.take("x", "one", 5)
    assert not await leases.take("x", "two", 5)
    assert await leases.take("y", "two", 5)


async def test_it_is_kept_by_renewing(leases: Leases, clock: Clock) -> None:
    assert await leases.take("x", "one", 5)
    clock.now += 4
    assert await leases.take("x", "one", 5)
    clock.now += 4
    assert not await leases.take("x", "two", 5)


async def test_another_takes_over_what_is_not_renewed(leases: Leases, clock: Clock) -> None:
    assert await leases.take("x", "one", 5)
    clock.now += 5.1
    assert await leases.take("x", "two", 5)
    assert not await leases.take("x", "one", 5)


async def test_what_is_given_up_is_free_at_once(leases: Leases) -> None:
    assert await leases.take("x", "one", 5)
    await leases.give_up("x", "two")
    assert not await leases.take("x", "two", 5), "who does not hold it cannot give it up"
    await leases.give_up("x", "one")
    assert await leases.take("x", "two", 5)


def test_a_file_that_says_nothing_is_nobodys(tmp_path: Path, clock: Clock) -> None:
    first = FileLeases(tmp_path, clock)
    assert asyncio.run(first.take("x", "one", 5))
    next(tmp_path.iterdir()).write_text('{"holder": "on')
    assert asyncio.run(first.take("x", "two", 5))


async def test_a_lease_from_before_the_machine_was_started_anew_is_nobodys(
    tmp_path: Path, clock: Clock
) -> None:
    assert await FileLeases(tmp_path, clock).take("x", "one", 5)
    clock.now = 3.0
    assert await FileLeases(tmp_path, clock).take("x", "two", 5)
