from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from nescord_core.reload.loading.source_loader import CodeCache


def value_of(cache: CodeCache, source: str, path: str = "/bot/app.py") -> int | None:
    code = cache.load(path, source.encode())
    if code is None:
        return None
    names: dict[str, int] = {}
    exec(code, names)
    return names["X"]


@pytest.fixture
def cache(tmp_path: Path) -> CodeCache:
    (tmp_path / "state").mkdir()
    made = CodeCache(tmp_path / "state" / "code")
    made.store("/bot/app.py", b"X = 1\n", compile("X = 1\n", "/bot/app.py", "exec"))
    return made


def test_code_is_found_for_the_very_source_at_the_very_path(cache: CodeCache) -> None:
    assert value_of(cache, "X = 1\n") == 1
    assert value_of(cache, "X = 2\n") is None
    assert value_of(cache, "X = 1\n", "/bot/other.py") is None
    cache.store("/bot/app.py", b"X = 2\n", compile("X = 2\n", "/bot/app.py", "exec"))
    assert value_of(cache, "X = 2\n") == 2
    assert value_of(cache, "X = 1\n") is None


@pytest.mark.parametrize("damage", [b"", b"short", b"\0" * 200])
def test_damaged_code_is_no_code(cache: CodeCache, tmp_path: Path, damage: bytes) -> None:
    (file,) = (tmp_path / "state" / "code").iterdir()
    file.write_bytes(damage)
    assert value_of(cache, "X = 1\n") is None


def test_code_with_one_bit_wrong_is_not_run(cache: CodeCache, tmp_path: Path) -> None:
    (file,) = (tmp_path / "state" / "code").iterdir()
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert value_of(cache, "X = 1\n") is None


def test_a_cache_that_cannot_be_written_does_no_harm(tmp_path: Path) -> None:
    cache = CodeCache(tmp_path / "a state_dir that is gone" / "code")
    cache.store("/bot/app.py", b"X = 1\n", compile("X = 1\n", "/bot/app.py", "exec"))
    assert value_of(cache, "X = 1\n") is None
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("make", [Path.mkdir, Path.touch, os.mkfifo, lambda path: path.symlink_to("nowhere")])
def test_an_entry_of_the_wrong_kind_gives_way(tmp_path: Path, make: Callable[[Path], None]) -> None:
    code = tmp_path / "code"
    make(code)
    cache = CodeCache(code)
    cache.store("/bot/app.py", b"X = 1\n", compile("X = 1\n", "/bot/app.py", "exec"))
    (file,) = code.iterdir()
    file.unlink()
    make(file)
    assert value_of(cache, "X = 1\n") is None
    cache.store("/bot/app.py", b"X = 1\n", compile("X = 1\n", "/bot/app.py", "exec"))
    assert value_of(cache, "X = 1\n") == 1
