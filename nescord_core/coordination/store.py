"""The store's interface: replicated buckets of keys with revisions, decided by one server or a quorum."""

from __future__ import annotations

import hashlib
from base64 import urlsafe_b64decode
from binascii import Error as BinasciiError
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from nescord_core.errors import TransportError

__all__ = [
    "Bucket",
    "Change",
    "Entry",
    "Removed",
    "RevisionConflict",
    "StoreUnreachable",
    "Written",
    "bot_key",
]


class StoreUnreachable(TransportError):
    """The store did not respond; a write may or may not have taken effect."""


class RevisionConflict(Exception):
    """The key was written or removed since the revision that a write is based on."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A key's value, and the revision of its last write. Revisions only grow, over all keys of a bucket."""

    key: str
    value: bytes
    revision: int


@dataclass(frozen=True, slots=True)
class Written:
    """A watch saw a key written; ``is_initial`` for what the watch found when it began."""

    entry: Entry
    is_initial: bool = False


@dataclass(frozen=True, slots=True)
class Removed:
    """A watch saw a key deleted. Expiry is not reported."""

    key: str
    revision: int


@dataclass(frozen=True, slots=True)
class InSync:
    """A watch has reported everything that existed when it began."""


Change = Written | Removed | InSync


class Bucket(Protocol):
    """Keys that expire ``ttl`` seconds after their last write, or never.

    Every method raises StoreUnreachable when the store does not respond in time. Every implementation passes
    tests/contracts/test_store.py.
    """

    async def create(self, key: str, value: bytes) -> int:
        """Write a key that does not exist; return its revision. Raises RevisionConflict."""
        ...

    async def update(self, key: str, value: bytes, revision: int) -> int:
        """Write a key whose last revision is this one; return the new one. Raises RevisionConflict."""
        ...

    async def delete(self, key: str, revision: int) -> None:
        """Remove a key whose last revision is this one. Raises RevisionConflict."""
        ...

    async def get(self, key: str) -> Entry | None:
        """Return the entry, or None."""
        ...

    def watch(self, pattern: str = ">") -> AsyncIterator[Change]:
        """Yield what exists, InSync, then every later change, until StoreUnreachable is raised.

        In ``pattern``, ``*`` stands for one part of a key and ``>`` for the rest of it. After a connection
        was lost, the caller begins again and gets everything that exists now.
        """
        ...


def bot_key(token: str) -> str:
    """Return the part of the keys that tells bots apart: a digest of the bot's id, which a token begins with.

    https://discord.com/developers/docs/reference#authentication
    """
    identity = token.partition(".")[0]
    try:
        decoded = urlsafe_b64decode(identity + "=" * (-len(identity) % 4)).decode("ascii")
    except (BinasciiError, UnicodeDecodeError, ValueError):
        decoded = ""
    return hashlib.sha256((decoded if decoded.isdecimal() else token).encode()).hexdigest()[:16]
