"""Contract of every store that coordinates hosts: a real NATS server, and the one in memory."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator

import pytest

from nescord_core.coordination.nats_store import NatsBucket, open_store
from nescord_core.coordination.store import (
    Bucket,
    Change,
    Entry,
    InSync,
    Removed,
    RevisionConflict,
    StoreUnreachable,
    Written,
)
from support.coordination.memory_store import MemoryBucket
from support.coordination.nats_server import NatsServer, nats_server

TTL = 0.5


class Opened:
    """A bucket, and how to break its store."""

    def __init__(self, bucket: Bucket, server: NatsServer | None = None) -> None:
        self.bucket = bucket
        self._server = server

    def leave(self) -> None:
        if isinstance(self.bucket, MemoryBucket):
            self.bucket.away = True
        elif self._server is not None:
            self._server.kill()

    def lose_everything(self) -> None:
        if isinstance(self.bucket, MemoryBucket):
            self.bucket.keys.wipe()
        elif self._server is not None:
            self._server.wipe()

    def come_back(self) -> None:
        if isinstance(self.bucket, MemoryBucket):
            self.bucket.away = False
        elif self._server is not None:
            self._server.start()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NatsServer]:
    with nats_server(tmp_path_factory.mktemp("nats")) as running:
        yield running


@pytest.fixture(params=["nats", "memory"])
async def store(request: pytest.FixtureRequest, server: NatsServer) -> AsyncIterator[Opened]:
    """A bucket whose keys do not expire."""
    if request.param == "memory":
        yield Opened(MemoryBucket(time.monotonic))
        return
    async with open_store(server.url) as opened:
        yield Opened(opened.bucket(request.node.name.partition("[")[0]), server)


@pytest.fixture(params=["nats", "memory"])
async def expiring(request: pytest.FixtureRequest, server: NatsServer) -> AsyncIterator[Bucket]:
    """A bucket whose keys expire after `TTL`."""
    if request.param == "memory":
        yield MemoryBucket(time.monotonic, TTL)
        return
    async with open_store(server.url) as opened:
        yield opened.bucket(request.node.name.partition("[")[0], TTL)


async def answer(bucket: Bucket, key: str) -> Entry | None:
    """Ask until the store answers."""
    async with asyncio.timeout(30):
        while True:
            try:
                return await bucket.get(key)
            except StoreUnreachable:
                await asyncio.sleep(0.01)


async def test_one_creates_and_the_others_are_refused(store: Opened) -> None:
    async def create(number: int) -> int:
        try:
            return await store.bucket.create("a.b", b"%d" % number)
        except RevisionConflict:
            return 0

    revisions = [each for each in await asyncio.gather(*map(create, range(20))) if each]
    assert len(revisions) == 1
    entry = await store.bucket.get("a.b")
    assert entry is not None
    assert entry.revision == revisions[0]


async def test_an_update_names_the_revision_that_it_is_based_on(store: Opened) -> None:
    first = await store.bucket.create("a", b"1")
    second = await store.bucket.update("a", b"2", first)
    assert second > first
    with pytest.raises(RevisionConflict):
        await store.bucket.update("a", b"3", first)
    assert await store.bucket.get("a") == Entry("a", b"2", second)
    with pytest.raises(RevisionConflict):
        await store.bucket.update("missing", b"3", first)


async def test_a_deleted_key_can_be_created_again_with_a_higher_revision(store: Opened) -> None:
    first = await store.bucket.create("a", b"1")
    with pytest.raises(RevisionConflict):
        await store.bucket.delete("a", first + 5)
    await store.bucket.delete("a", first)
    assert await store.bucket.get("a") is None
    with pytest.raises(RevisionConflict):
        await store.bucket.update("a", b"2", first)
    assert await store.bucket.create("a", b"2") > first
    with pytest.raises(RevisionConflict):
        await store.bucket.create("a", b"3")


async def test_revisions_grow_over_all_keys(store: Opened) -> None:
    revisions = [await store.bucket.create(f"key{number}", b"") for number in range(5)]
    assert revisions == sorted(set(revisions))


async def test_what_is_not_written_again_expires_and_can_be_created(expiring: Bucket) -> None:
    begun = time.monotonic()
    first = await expiring.create("a", b"1")
    while await expiring.get("a") is not None:  # noqa: ASYNC110 - expiry is not reported
        await asyncio.sleep(0.01)
    assert time.monotonic() - begun >= TTL * 0.9, "no sooner"
    with pytest.raises(RevisionConflict):
        await expiring.update("a", b"2", first)
    assert await expiring.create("a", b"2") > first


async def test_each_write_begins_the_time_to_live_again(expiring: Bucket) -> None:
    revision = await expiring.create("a", b"1")
    end = time.monotonic() + 3 * TTL
    while time.monotonic() < end:
        try:
            revision = await expiring.update("a", b"1", revision)
        except RevisionConflict:  # this process had to wait for longer than the time to live
            revision = await expiring.create("a", b"1")
        written = time.monotonic()
        await asyncio.sleep(TTL / 5)
        found = await expiring.get("a")
        assert found is not None or time.monotonic() - written > TTL * 0.9


async def test_a_watch_reports_what_exists_and_then_what_changes(store: Opened) -> None:
    bucket = store.bucket
    first = await bucket.create("bot.x", b"1")
    gone = await bucket.create("bot.y", b"1")
    await bucket.create("other.z", b"1")
    await bucket.delete("bot.y", gone)
    seen: list[Change] = []
    async for change in bucket.watch("bot.>"):
        seen.append(change)
        if isinstance(change, InSync):
            second = await bucket.update("bot.x", b"2", first)
            await bucket.create("other.w", b"1")
            await bucket.delete("bot.x", second)
        elif isinstance(change, Removed) and change.key == "bot.x":
            break
    removed = [change for change in seen if isinstance(change, Removed)]
    assert seen.index(InSync()) == 1 + sum(change.key == "bot.y" for change in removed)
    assert [change for change in seen if isinstance(change, Written)] == [
        Written(Entry("bot.x", b"1", first), is_initial=True),
        Written(Entry("bot.x", b"2", second)),
    ]
    assert removed[-1].revision > second


async def test_a_watch_of_an_empty_bucket_is_in_sync_at_once(store: Opened) -> None:
    async for change in store.bucket.watch():
        assert change == InSync()
        break


async def test_a_store_that_is_away_is_unreachable_and_keeps_what_was_written(store: Opened) -> None:
    bucket = store.bucket
    revision = await bucket.create("a", b"1")
    store.leave()
    for call in (bucket.create("b", b""), bucket.update("a", b"2", revision), bucket.get("a")):
        with pytest.raises(StoreUnreachable):
            await call
    store.come_back()
    assert await answer(bucket, "a") == Entry("a", b"1", revision)


async def test_a_store_that_lost_everything_goes_on_with_higher_revisions(store: Opened) -> None:
    before = await store.bucket.create("a", b"1")
    store.leave()
    store.lose_everything()
    store.come_back()
    assert await answer(store.bucket, "a") is None
    with pytest.raises(RevisionConflict):
        await store.bucket.update("a", b"2", before)
    assert await store.bucket.create("a", b"2") > before


async def test_a_watch_ends_when_the_store_has_been_away(store: Opened) -> None:
    bucket = store.bucket
    await bucket.create("a", b"1")
    watch = bucket.watch()
    assert isinstance(await anext(watch), Written)
    assert await anext(watch) == InSync()
    store.leave()
    if isinstance(bucket, MemoryBucket):
        bucket.keys.create("b", b"", time.monotonic())
    with pytest.raises(StoreUnreachable):
        await anext(watch)
    store.come_back()
    await answer(bucket, "a")
    assert isinstance(await anext(bucket.watch()), Written), "a new watch begins with what exists"


async def test_a_server_that_hangs_is_unreachable(server: NatsServer) -> None:
    async with open_store(server.url, timeout=0.3) as opened:
        bucket = opened.bucket("hangs")
        await answer(bucket, "a")
        server.freeze()
        try:
            with pytest.raises(StoreUnreachable):
                await bucket.create("a", b"")
        finally:
            server.thaw()
        await answer(bucket, "a")


async def test_a_wrong_password_names_the_setting_and_not_the_password(server: NatsServer) -> None:
    async with open_store(server.url.replace(":not", ":n0t"), timeout=0.5) as opened:
        bucket: NatsBucket = opened.bucket("refused")
        with pytest.raises(StoreUnreachable, match=r"cluster\.url \(NESCORD_CLUSTER_URL\)") as raised:
            await bucket.get("a")
    assert "password)" not in raised.value.message
    assert "n0t" not in str(raised.value)
