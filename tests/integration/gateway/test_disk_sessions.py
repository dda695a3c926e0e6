"""Behaviour that only the on-disk session store has."""

from __future__ import annotations

import logging
from pathlib import Path

import diskcache
import pytest

from nescord_core.gateway.session_store import DiskSessionStore, SavedSession, SessionStoreError

SAVED = SavedSession("one", 42, None, 4, "zstd-stream", 513)


def everything_below(directory: Path) -> bytes:
    return b"".join(path.read_bytes() for path in directory.rglob("*") if path.is_file())


async def test_sessions_outlive_the_process(tmp_path: Path) -> None:
    async with DiskSessionStore(tmp_path, "a token") as store:
        await store.save({1: SAVED})
    async with DiskSessionStore(tmp_path, "a token") as store:
        loaded = await store.load(1, shard_count=4, intents=513)
    assert loaded is not None
    assert loaded.seq == 42
    assert loaded.saved_at > 0


async def test_the_token_is_not_on_disk_and_another_token_has_other_sessions(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with DiskSessionStore(tmp_path, "the-first-token") as store:
        await store.save({1: SAVED})
    assert b"the-first-token" not in everything_below(tmp_path)
    with caplog.at_level(logging.INFO, "nescord.gateway"):
        async with DiskSessionStore(tmp_path, "the-second-token") as store:
            assert await store.load(1, shard_count=4, intents=513) is None
    assert "saved sessions of another token" in caplog.text
    async with DiskSessionStore(tmp_path, "the-first-token") as store:
        assert await store.load(1, shard_count=4, intents=513) is not None


async def test_what_cannot_be_read_is_discarded(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with DiskSessionStore(tmp_path, "a token") as store:
        await store.save({1: SAVED})
    with diskcache.Cache(str(tmp_path / "sessions")) as cache:
        for key in list(cache):
            cache[key] = b'{"session_id": 3'
    async with DiskSessionStore(tmp_path, "a token") as store:
        assert await store.load(1, shard_count=4, intents=513) is None
    assert "cannot be read" in caplog.text


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a directory")
    with pytest.raises(SessionStoreError, match="state_dir"):
        async with DiskSessionStore(tmp_path / "file", "a token"):
            pass


async def test_two_processes_may_share_the_directory(tmp_path: Path) -> None:
    async with DiskSessionStore(tmp_path, "a token") as one, DiskSessionStore(tmp_path, "a token") as two:
        await one.save({0: SAVED})
        await two.save({1: SAVED})
        assert await one.load(1, shard_count=4, intents=513) is not None
        assert await two.load(0, shard_count=4, intents=513) is not None
