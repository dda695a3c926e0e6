"""Opens diskcache's database so that it never unpickles, stays private, and survives damage.

diskcache pickles values that SQLite has no type for, and loading a pickle runs code: anyone who can write to
the database can run code (CVE-2025-69872, every release). The values here are bytes, strings and integers.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import diskcache

from nescord_core.process.state_dir import make_folder, open_file, set_aside

__all__ = ["SafeDisk", "is_damage", "open_cache"]

_DATABASE = "cache.db"
_FILES = (_DATABASE, f"{_DATABASE}-wal", f"{_DATABASE}-shm")
_LOCK = "lock"
_RAW = 1
"""diskcache's mode of a value that SQLite stores as it is."""
_DAMAGE = frozenset(
    {
        sqlite3.SQLITE_CORRUPT,
        sqlite3.SQLITE_NOTADB,
        sqlite3.SQLITE_FORMAT,
        sqlite3.SQLITE_ERROR,
        sqlite3.SQLITE_CONSTRAINT,
        sqlite3.SQLITE_MISMATCH,
        sqlite3.SQLITE_IOERR_SHORT_READ,
    }
)


class SafeDisk(diskcache.Disk):  # type: ignore[misc]  # diskcache ships no type information
    """Stores bytes, strings and integers in the database itself, and refuses everything else."""

    def put(self, key: Any) -> tuple[Any, bool]:
        """Return what the database stores for a key."""
        return _stored(key), True

    def get(self, key: Any, raw: bool) -> Any:
        """Return a stored key; a pickled one is returned undecoded, and matches no key."""
        return bytes(key) if isinstance(key, memoryview) else key

    def store(self, value: Any, read: bool, key: Any = None) -> tuple[int, int, None, Any]:
        """Return size, mode, file name and value for the database; values are never stored in files."""
        return 0, _RAW, None, _stored(value)

    def fetch(self, mode: int, filename: str | None, value: Any, read: bool) -> Any:
        """Return a stored value; None for one that is pickled or in a file."""
        return value if mode == _RAW else None


class _Cache(diskcache.Cache):  # type: ignore[misc]  # as above
    """Closes its connection when it cannot be opened."""

    def __init__(self, directory: Path, **settings: Any) -> None:
        try:
            super().__init__(str(directory), disk=SafeDisk, **settings)
        except BaseException:
            self.close()
            raise


def open_cache(directory: Path, **settings: Any) -> diskcache.Cache:
    """Open the database in ``directory``, a folder of state_dir; a damaged one is set aside.

    Blocks while another process opens it.

    Raises:
        OSError, sqlite3.Error: the disk is full, the directory cannot be written to, or the like.

    """
    make_folder(directory)
    with _locked(directory):
        for name in _FILES:
            flags = os.O_RDWR | (os.O_CREAT if name == _DATABASE else 0)
            try:
                os.close(open_file(directory / name, flags))  # private, and a file
            except FileNotFoundError:
                continue
        try:
            return _checked(directory, settings)
        except (sqlite3.Error, ValueError, TypeError, AttributeError, KeyError, OverflowError) as error:
            if not is_damage(error):
                raise
            set_aside(directory / _DATABASE, str(error))
            for name in _FILES[1:]:  # parts of the database
                (directory / name).unlink(missing_ok=True)
        os.close(open_file(directory / _DATABASE, os.O_RDWR | os.O_CREAT))
        return _checked(directory, settings)


def is_damage(error: Exception) -> bool:
    """Return whether an error says that the database is damaged, rather than that the disk is full."""
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR)
        return code in _DAMAGE or code & 0xFF in _DAMAGE
    return not isinstance(error, OSError)


def _checked(directory: Path, settings: dict[str, Any]) -> diskcache.Cache:
    cache = _Cache(directory, **settings)
    try:
        # Pickled by an earlier version or by another program.
        cache._sql("DELETE FROM Cache WHERE raw != 1 OR mode != 1 OR filename IS NOT NULL")
        found = cache._sql("PRAGMA quick_check(1)").fetchone()
        if found != ("ok",):
            raise sqlite3.DatabaseError(f"{found[0] if found else 'quick_check failed'}".splitlines()[-1])
    except BaseException:
        cache.close()
        raise
    return cache


def _stored(value: Any) -> Any:
    if isinstance(value, bytes):
        return sqlite3.Binary(value)
    if isinstance(value, str) or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    raise TypeError(f"{type(value).__name__} cannot be stored; only bytes, str and int can.")


@contextmanager
def _locked(directory: Path) -> Iterator[None]:
    """Keep others from setting the database aside while this process opens it."""
    with os.fdopen(open_file(directory / _LOCK, os.O_WRONLY | os.O_CREAT), "ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
