"""Contract of every shared IDENTIFY queue: a real Valkey server, and the double that other tests use.

Fact 18: IDENTIFYs go through one queue across all processes and hosts.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from nescord_core.errors import TransportError
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.shared_queue import SharedIdentifyQueue, open_shared_queue
from support.gateway.shared_queues import MemoryTurns, valkey_server
from support.processes.commands import free_port

LONG = 600.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with valkey_server(tmp_path_factory.mktemp("valkey")) as url:
        yield url


@pytest.fixture(params=["valkey", "memory"])
async def turns(request: pytest.FixtureRequest, server: str) -> AsyncIterator[SharedIdentifyQueue]:
    if request.param == "memory":
        yield MemoryTurns(time.monotonic)
        return
    async with open_shared_queue(server, f"token of {request.node.name}") as shared:
        assert shared is not None
        yield shared


async def test_the_first_has_its_turn_and_the_second_is_told_how_long_to_wait(
    turns: SharedIdentifyQueue,
) -> None:
    await turns.offer(SessionStartLimit(remaining=700))
    first = await turns.take(0, window=LONG, reserve=50)
    assert (first.wait, first.remaining) == (0.0, 699)
    second = await turns.take(0, window=LONG, reserve=50)
    assert second.wait is not None
    assert 0 < second.wait <= LONG
    assert second.remaining == 699, "one that waits has used nothing"


async def test_each_key_has_turns_of_its_own(turns: SharedIdentifyQueue) -> None:
    assert (await turns.take(0, window=LONG, reserve=0)).wait == 0.0
    assert (await turns.take(1, window=LONG, reserve=0)).wait == 0.0


async def test_a_turn_is_free_again_after_its_window(turns: SharedIdentifyQueue) -> None:
    await turns.take(0, window=0.02, reserve=0)
    await asyncio.sleep(0.03)
    assert (await turns.take(0, window=LONG, reserve=0)).wait == 0.0


async def test_the_window_begins_anew_when_the_identify_goes_out(turns: SharedIdentifyQueue) -> None:
    await turns.take(0, window=0.02, reserve=0)
    await turns.used(0, window=LONG)
    later = (await turns.take(0, window=LONG, reserve=0)).wait
    assert later is not None
    assert later > LONG / 2


async def test_the_lowest_number_that_any_host_was_told_counts(turns: SharedIdentifyQueue) -> None:
    await turns.offer(SessionStartLimit(remaining=300))
    await turns.offer(SessionStartLimit(remaining=900))
    assert (await turns.take(0, window=LONG, reserve=0)).remaining == 299


async def test_the_reserve_is_refused_with_the_time_until_the_day_is_over(turns: SharedIdentifyQueue) -> None:
    await turns.offer(SessionStartLimit(remaining=51, reset_after=LONG))
    assert (await turns.take(0, window=LONG, reserve=50)).wait == 0.0
    refused = await turns.take(1, window=LONG, reserve=50)
    assert (refused.wait, refused.remaining) == (None, 50)
    assert 0 < refused.reset_after <= LONG


async def test_of_many_at_once_one_gets_the_turn(turns: SharedIdentifyQueue) -> None:
    answers = await asyncio.gather(*(turns.take(7, window=LONG, reserve=0) for _ in range(50)))
    assert [answer.wait for answer in answers].count(0.0) == 1


async def test_a_new_day_has_all_its_starts(server: str) -> None:
    async with open_shared_queue(server, "a token whose day ends") as shared:
        assert shared is not None
        await shared.offer(SessionStartLimit(total=2000, remaining=10, reset_after=0.01))
        await asyncio.sleep(0.03)
        assert (await shared.take(0, window=LONG, reserve=50)).remaining == 1999


async def test_other_tokens_have_other_turns(server: str) -> None:
    async with (
        open_shared_queue(server, "one token") as one,
        open_shared_queue(server, "another token") as another,
    ):
        assert one is not None
        assert another is not None
        assert (await one.take(0, window=LONG, reserve=0)).wait == 0.0
        assert (await another.take(0, window=LONG, reserve=0)).wait == 0.0


@pytest.mark.parametrize("what", ["nobody there", "wrong password"])
async def test_a_store_that_cannot_be_used_says_which_setting_to_look_at(server: str, what: str) -> None:
    url = {
        "nobody there": f"redis://127.0.0.1:{free_port()}",
        "wrong password": server.replace(":not", ":n0t"),
    }[what]
    async with open_shared_queue(url, "a token") as shared:
        assert shared is not None
        with pytest.raises(TransportError, match=r"cluster\.url \(NESCORD_CLUSTER_URL\)") as raised:
            await shared.take(0, window=LONG, reserve=0)
    assert "password" not in raised.value.message


def test_the_token_is_not_in_the_store(tmp_path: Path) -> None:
    async def names(url: str) -> list[bytes]:
        from valkey.asyncio import Valkey

        async with open_shared_queue(url, "the-token-itself") as shared:
            assert shared is not None
            await shared.take(0, window=LONG, reserve=0)
        async with Valkey.from_url(url) as client:
            found: list[bytes] = await client.keys("*")
            return found

    with valkey_server(tmp_path) as url:
        kept = asyncio.run(names(url))
    assert len(kept) == 2
    assert not any(b"the-token-itself" in name for name in kept)
