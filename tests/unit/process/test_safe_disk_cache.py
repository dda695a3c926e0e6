"""The database of sessions and of the cache: no pickles, private, and damage is set aside."""

from __future__ import annotations

import os
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path

import diskcache
import pytest

from nescord_core.process.safe_disk_cache import open_cache

DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "empty": lambda path: os.truncate(path, 0),
    "zeroed": lambda path: _write(path, bytes(path.stat().st_size)),
    "noise": lambda path: _write(path, os.urandom(path.stat().st_size)),
    "header": lambda path: _write(path, b"?" + path.read_bytes()[1:]),
    "schema": lambda path: _write(path, path.read_bytes().replace(b"CREATE", b"CREATF")),
}


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)


def _other_tables(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE Cache (unexpected)")
        connection.execute("CREATE TABLE Settings (key)")
    connection.close()


DAMAGES |= {"other tables": _other_tables, "directory": _directory, "link": _link, "fifo": _fifo}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    cache = open_cache(tmp_path / "cache")
    for number in range(50):
        cache.set(f"key {number}", b"value" * 200)
    cache.close()
    return tmp_path / "cache"


def test_only_bytes_texts_and_integers_are_stored_and_none_outside_of_the_database(folder: Path) -> None:
    with open_cache(folder) as cache:
        cache.set("large", b"x" * 1_000_000)
        cache.set(b"key", 5)
        assert (cache.get("large"), cache.get(b"key"), cache.get("key 7")) == (
            b"x" * 1_000_000,
            5,
            b"value" * 200,
        )
        for refused in ({"a": 1}, 1.5, None, True):
            with pytest.raises(TypeError):
                cache.set("refused", refused)
        assert {path.name for path in folder.iterdir() if path.is_dir()} == set()


def test_every_file_is_private(folder: Path) -> None:
    (folder / "cache.db").chmod(0o644)  # as an earlier version left it
    previous = os.umask(0)
    try:
        with open_cache(folder) as cache:
            cache.set("a", 1)
            assert {oct(path.stat().st_mode & 0o777) for path in folder.iterdir()} == {"0o600"}
            assert folder.stat().st_mode & 0o777 == 0o700
    finally:
        os.umask(previous)


def _run_code(marker: Path) -> type:
    class Prepared:
        def __reduce__(self) -> tuple[Callable[..., object], tuple[str]]:
            return os.mkdir, (str(marker),)

    return Prepared


def test_a_prepared_pickle_is_removed_and_never_loaded(tmp_path: Path) -> None:
    marker = tmp_path / "code ran"
    prepared = _run_code(marker)
    with diskcache.Cache(str(tmp_path / "cache")) as evil:
        evil.set("token:0", prepared())
        evil.set("file", b"x" * 100_000)
    data = pickle.dumps(prepared())
    with sqlite3.connect(tmp_path / "cache" / "cache.db") as connection:
        connection.execute("INSERT INTO Cache (key, raw, mode, value) VALUES (?, 0, 1, 1)", (data,))
    connection.close()
    with open_cache(tmp_path / "cache") as cache:
        assert list(cache) == []
        assert cache.get("token:0") is None
    assert not marker.exists()


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_database_is_set_aside_in_one_line(
    folder: Path, caplog: pytest.LogCaptureFixture, damage: str
) -> None:
    DAMAGES[damage](folder / "cache.db")
    with open_cache(folder) as cache:
        cache.set("new", b"value")
        assert cache.get("new") == b"value"
    if damage != "empty":
        assert os.path.lexists(folder / "cache.db.damaged-1")
        assert [record.levelname for record in caplog.records] == ["WARNING"]
        assert "renamed to cache.db.damaged-1" in caplog.text


@pytest.mark.parametrize("name", ["cache.db-wal", "cache.db-shm"])
@pytest.mark.parametrize("kind", ["directory", "fifo", "link", "noise"])
def test_what_lies_beside_the_database_keeps_nobody_out(folder: Path, name: str, kind: str) -> None:
    (folder / name).write_bytes(b"anything at all" * 5000)
    DAMAGES[kind](folder / name)
    with open_cache(folder) as cache:
        assert cache.get("key 7") == b"value" * 200


def test_a_full_disk_is_no_damage(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        error = sqlite3.OperationalError("database or disk is full")
        error.sqlite_errorcode = sqlite3.SQLITE_FULL
        raise error

    monkeypatch.setattr(diskcache.Cache, "__init__", full)
    monkeypatch.setattr(diskcache.Cache, "close", lambda self: None)
    with pytest.raises(sqlite3.OperationalError):
        open_cache(folder)
    assert not (folder / "cache.db.damaged-1").exists()
