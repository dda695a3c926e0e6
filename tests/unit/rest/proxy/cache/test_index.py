"""The number of cached responses is bounded, also that of the ones on disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.rest.proxy.cache.cache import ENTRIES_PER_MB, Cache, CacheAnswer
from nescord_core.settings import CacheOptions


@pytest.mark.bound("state_dir: the REST cache")
async def test_the_oldest_responses_make_room(tmp_path: Path) -> None:
    fetched: list[str] = []

    async def get(cache: Cache, path: str) -> CacheAnswer:
        async def fetch() -> CacheAnswer:
            fetched.append(path)
            return CacheAnswer(200, "OK", (), b"x")

        return await cache.get(path, frozenset({path}), fetch, ttl=1e9)

    async with Cache(CacheOptions(max_mb=1), tmp_path / "cache").running() as cache:
        for number in range(ENTRIES_PER_MB + 100):
            await get(cache, f"guilds/{number}")
            assert len(cache) <= ENTRIES_PER_MB
        assert len(cache) == len(cache._by_tag) == ENTRIES_PER_MB
        fetched.clear()
        assert (await get(cache, "guilds/100")).hit
        assert not (await get(cache, "guilds/99")).hit
