"""Contract of the shared IDENTIFY queue on every store: a real NATS server, and the one in memory.

Fact 18: IDENTIFYs go through one queue across all processes and hosts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from itertools import pairwise

import pytest

from nescord_core.coordination.nats_store import open_store
from nescord_core.coordination.store import StoreUnreachable, bot_key
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.shared_queue import SharedIdentifyQueue, open_shared_queue, shared_window
from support.coordination.nats_server import NatsServer, nats_server
from support.gateway.shared_queues import MemoryTurns
from support.processes.commands import free_port

LONG = 60.0
Open = Callable[..., AbstractAsyncContextManager[SharedIdentifyQueue]]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(params=["nats", "memory"])
def opened(request: pytest.FixtureRequest, server: NatsServer) -> Open:
    """Opens the queue of one more host."""
    stores: dict[float, MemoryTurns] = {}

    @asynccontextmanager
    async def queue(window: float = LONG, token: str = "token") -> AsyncIterator[SharedIdentifyQueue]:
        token = f"{token} of {request.node.name}"
        if request.param == "memory":
            turns = stores.setdefault(window, MemoryTurns(time.monotonic, window=window))
            yield turns.queue(bot_key(token))
            return
        async with open_shared_queue(server.url, token, window=window) as shared:
            assert shared is not None
            yield shared

    return queue


async def test_the_first_has_its_turn_and_the_second_is_told_to_wait(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await one.offer(SessionStartLimit(remaining=700))
        await other.offer(SessionStartLimit(remaining=700))
        first = await one.take(0, reserve=50)
        assert (first.wait, first.remaining) == (0.0, 699)
        own, foreign = await one.take(0, reserve=50), await other.take(0, reserve=50)
        assert own.wait is not None
        assert LONG / 2 < own.wait <= shared_window(LONG), "it knows when the turn began"
        assert foreign.wait is not None
        assert 0 < foreign.wait < 1, "the turn may end at any time"
        assert (await other.take(1, reserve=50)).remaining == 698, "one that waits has used nothing"


async def test_each_key_has_turns_of_its_own(opened: Open) -> None:
    async with opened() as turns:
        assert (await turns.take(0, reserve=0)).wait == 0.0
        assert (await turns.take(1, reserve=0)).wait == 0.0


async def test_a_turn_is_free_again_after_its_window_and_no_sooner(opened: Open) -> None:
    window, granted = 0.2, list[float]()

    async def host() -> None:
        async with opened(window) as turns:
            while len(granted) < 5:
                asked_at = time.monotonic()
                turn = await turns.take(0, reserve=0)
                if turn.wait == 0.0:
                    granted.append(asked_at)
                await asyncio.sleep(turn.wait or 0)

    async with asyncio.timeout(30):
        await asyncio.gather(host(), host(), host())
    assert all(later - earlier > window * 0.9 for earlier, later in pairwise(sorted(granted)))


async def test_the_window_begins_again_when_the_identify_goes_out(opened: Open) -> None:
    window = 0.5
    async with opened(window) as one, opened(window) as other:
        await one.take(0, reserve=0)
        await asyncio.sleep(window / 2)
        await one.used(0)
        sent_at = time.monotonic()
        while (await other.take(0, reserve=0)).wait != 0.0:  # noqa: ASYNC110 - the store says when
            await asyncio.sleep(0.01)
        assert time.monotonic() - sent_at > window * 0.9


async def test_an_identify_that_goes_out_after_its_window_takes_the_turn_again(opened: Open) -> None:
    window = 0.2
    async with opened(window) as one, opened(window) as other:
        await one.take(0, reserve=0)
        await asyncio.sleep(shared_window(window) * 2)
        sent_at = time.monotonic()
        await one.used(0)
        assert (await other.take(0, reserve=0)).wait or time.monotonic() - sent_at > window * 0.9


async def test_the_lowest_number_that_any_host_was_told_counts(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await one.offer(SessionStartLimit(remaining=300))
        await other.offer(SessionStartLimit(remaining=900))
        assert (await other.take(0, reserve=0)).remaining == 299


async def test_the_reserve_is_refused_with_the_time_until_the_day_is_over(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await one.offer(SessionStartLimit(remaining=51, reset_after=LONG))
        assert (await one.take(0, reserve=50)).wait == 0.0
        refused = await other.take(1, reserve=50)
        assert (refused.wait, refused.remaining) == (None, 50)
        assert 0 < refused.reset_after <= LONG
        assert (await other.take(1, reserve=0)).wait == 0.0, "a refusal leaves the turn to others"


async def test_of_many_at_once_one_gets_the_turn(opened: Open) -> None:
    async with opened() as turns:
        answers = await asyncio.gather(*(turns.take(7, reserve=0) for _ in range(50)))
        assert [answer.wait for answer in answers].count(0.0) == 1


async def test_many_keys_at_once_are_counted_one_by_one(opened: Open) -> None:
    async with opened() as one, opened() as other:
        await one.offer(SessionStartLimit(remaining=60))
        takes = [turns.take(key, reserve=50) for key, turns in enumerate([one, other] * 8)]
        answers = await asyncio.gather(*takes)
        assert [answer.wait for answer in answers].count(0.0) == 10
        assert [answer.wait for answer in answers].count(None) == 6


async def test_a_new_day_has_all_its_starts(opened: Open) -> None:
    async with opened() as turns:
        await turns.offer(SessionStartLimit(total=2000, remaining=10, reset_after=0.01))
        await asyncio.sleep(0.03)
        assert (await turns.take(0, reserve=50)).remaining == 1999


async def test_other_bots_have_other_turns(opened: Open) -> None:
    async with opened(token="one") as one, opened(token="another") as another:
        assert (await one.take(0, reserve=0)).wait == 0.0
        assert (await another.take(0, reserve=0)).wait == 0.0


async def test_a_store_that_lost_everything_does_not_forget_what_is_left_today(server: NatsServer) -> None:
    async with open_shared_queue(server.url, "a token", window=LONG) as turns:
        assert turns is not None
        await turns.offer(SessionStartLimit(remaining=300))
        assert (await turns.take(0, reserve=0)).remaining == 299
        server.wipe()
        server.start()
        async with asyncio.timeout(30):
            while True:
                try:
                    grant = await turns.take(0, reserve=0)
                except StoreUnreachable:
                    continue
                break
        assert (grant.wait, grant.remaining) == (0.0, 298)


async def test_a_store_that_nobody_serves_says_which_setting_to_look_at() -> None:
    async with open_shared_queue(f"nats://127.0.0.1:{free_port()}", "a token", window=LONG) as shared:
        assert shared is not None
        with pytest.raises(StoreUnreachable, match=r"cluster\.url \(NESCORD_CLUSTER_URL\)"):
            await shared.take(0, reserve=0)


async def test_the_token_is_not_in_the_store(server: NatsServer) -> None:
    async with open_shared_queue(server.url, "the-token-itself", window=LONG, host="a") as shared:
        assert shared is not None
        await shared.take(0, reserve=0)
    async with open_store(server.url) as store:
        await store.bucket("nescord-identify", shared_window(LONG)).get("x")
    kept = b"".join(path.read_bytes() for path in server.files.rglob("*") if path.is_file())
    assert bot_key("the-token-itself").encode() in kept
    assert b"the-token-itself" not in kept
