"""Where kept answers lie: sizes, and what the disk gives back."""

from __future__ import annotations

from pathlib import Path

from multidict import istr

from nescord_core.rest.proxy.cache.storage import CachedResponse, CacheStorage

MB = 1024 * 1024


def _answer(body: bytes, header: str = "v") -> CachedResponse:
    return CachedResponse("OK", ((istr("X-Name"), header),), body, 1.5)


async def test_an_answer_comes_back_from_disk_as_it_was(tmp_path: Path) -> None:
    storage = CacheStorage(tmp_path / "cache", max_mb=1)
    await storage.open()
    first = _answer(bytes(range(256)) * 800)
    storage.put("first", first)
    storage.put("second", _answer(b"x" * (MB // 4)))
    assert storage.recent("first") is None, "it still lies in memory"
    assert await storage.get("first") == first
    storage.remove("first")
    assert await storage.get("first") is None
    await storage.close()


async def test_keys_and_headers_count(tmp_path: Path) -> None:
    storage = CacheStorage(tmp_path / "cache", max_mb=1)
    await storage.open()
    for number in range(30):
        storage.put(f"{number}" + "k" * 28_000, _answer(b"small", header="h" * 4_000))
    in_memory = [number for number in range(30) if storage.recent(f"{number}" + "k" * 28_000)]
    assert 6 <= len(in_memory) <= 8, "a quarter of a MB is about seven entries of 33 kB"
    await storage.close()


async def test_a_database_that_is_lost_while_running_costs_the_answer_only(tmp_path: Path) -> None:
    storage = CacheStorage(tmp_path / "cache", max_mb=1)
    await storage.open()
    storage.put("first", _answer(b"a" * 200_000))
    storage.put("second", _answer(b"b" * (MB // 4)))
    assert await storage.get("first") is not None
    database = tmp_path / "cache" / "cache.db"
    for path in (database, database.with_name("cache.db-wal")):
        with path.open("r+b") as file:
            file.write(b"\xaa" * path.stat().st_size)
    await storage.get("first")
    storage.put("third", _answer(b"c" * (MB // 4)))
    await storage.close()
