"""Contract of every session store, on disk and in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nescord_core.gateway.session_store import (
    DiskSessionStore,
    MemorySessionStore,
    SavedSession,
    SessionStore,
)

SAVED = SavedSession("one", 42, "wss://resume", 4, "zstd-stream", 513)


@pytest.fixture(params=["disk", "memory"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SessionStore]:
    if request.param == "memory":
        yield MemorySessionStore()
        return
    async with DiskSessionStore(tmp_path, "a token") as disk:
        yield disk


async def test_what_is_saved_is_loaded(store: SessionStore) -> None:
    await store.save({1: SAVED, 2: None})
    loaded = await store.load(1, shard_count=4, intents=513)
    assert loaded is not None
    assert (loaded.session_id, loaded.seq, loaded.resume_gateway_url) == ("one", 42, "wss://resume")
    assert await store.load(2, shard_count=4, intents=513) is None


async def test_none_removes(store: SessionStore) -> None:
    await store.save({1: SAVED})
    await store.save({1: None})
    assert await store.load(1, shard_count=4, intents=513) is None


@pytest.mark.parametrize(
    ("shard_count", "intents", "why"), [(8, 513, "shard count is 4"), (4, 1, "intents are 513")]
)
async def test_what_no_longer_fits_is_discarded_with_a_log_line(
    store: SessionStore, caplog: pytest.LogCaptureFixture, shard_count: int, intents: int, why: str
) -> None:
    await store.save({1: SAVED})
    assert await store.load(1, shard_count=shard_count, intents=intents) is None
    assert why in caplog.text
    assert await store.load(1, shard_count=4, intents=513) is None
