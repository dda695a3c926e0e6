"""Maps a request line to a URL that is always below the configured API."""

from __future__ import annotations

import re
from typing import NamedTuple

__all__ = ["Target", "TargetRefused", "Targets"]

HINT = "Request the path of a route, such as /api/v10/users/@me."
_VERSION = re.compile(r"^v\d{1,3}$")
_ENCODED_TRICK = re.compile(r"%(?:2e|2f|5c|25|0[0-9a-f]|1[0-9a-f]|7f)", re.IGNORECASE)
"""Encoded, these may have another meaning behind the proxy: . / \\ % and control characters."""
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_ZEROS = re.compile(r"/0+(?=[1-9]\d*(?:/|$))")
_PLAIN = re.compile(r"^/[\x21\x22\x24-\x3e\x40-\x5b\x5d-\x7e\x80-\U0010ffff]*$")


class TargetRefused(ValueError):
    """The request line is not a path of Discord's API."""


class Target(NamedTuple):
    """``path`` is below the API version, without the query; ``url`` is what is requested from Discord.

    In ``path`` an @ is decoded, because routes depend on it: discord.js sends ``%40me``.
    """

    path: str
    query: str
    url: str


class Targets:
    """Maps request lines to URLs below ``api_url``, for instance ``https://discord.com/api/v10``."""

    def __init__(self, api_url: str) -> None:
        self.base = api_url.rstrip("/")
        head, _, last = self.base.rpartition("/")
        self._versioned = _VERSION.match(last) is not None
        self._root = head if self._versioned else self.base

    def resolve(self, raw: str) -> Target:
        """Return the target of ``/api/v10/x``, ``/api/x`` or ``/x``. Raises `TargetRefused`."""
        path, _, query = raw.partition("?")
        path = _normal(path)
        _check(path)
        base, path = self._base_of(path)
        suffix = f"?{query}" if query else ""
        return Target(path.replace("%40", "@"), query, f"{base}{path}{suffix}")

    def _base_of(self, path: str) -> tuple[str, str]:
        if path != "/api" and not path.startswith("/api/"):
            return self.base, path
        below = path[5:]
        version, slash, rest = below.partition("/")
        if not _VERSION.match(version):
            return self.base, f"/{below}"
        base = f"{self._root}/{version}" if self._versioned else self.base
        return base, f"{slash}{rest}" or "/"


def _normal(path: str) -> str:
    """Normalize a path: decode unreserved characters (RFC 3986, 6.2.2.2), strip leading zeros of ids.

    Routes, buckets and the cache compare paths as text, while Discord treats all spellings alike.
    """
    if "%" in path:
        path = _ESCAPED.sub(_unescaped, path)
    return _ZEROS.sub("/", path) if "/0" in path else path


def _unescaped(found: re.Match[str]) -> str:
    character = chr(int(found[1], 16))
    return character if character.isascii() and (character.isalnum() or character in "-_~") else found[0]


def _check(path: str) -> None:
    if not path.startswith("/") or path.startswith("//"):
        raise TargetRefused(f"This proxy only forwards to Discord's API. {HINT}")
    if not _PLAIN.match(path) or _ENCODED_TRICK.search(path):
        raise TargetRefused(f"The path contains characters that no route of Discord's has. {HINT}")
    if any(part in {"..", "."} for part in path.split("/")) or "//" in path:
        raise TargetRefused(f"The path contains empty or dot segments. {HINT}")
