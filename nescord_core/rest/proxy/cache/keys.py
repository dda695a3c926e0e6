"""Which responses may be cached, and under which key: callers share those that they would get alike."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from nescord_core.ratelimit.route import Route
from nescord_core.rest.proxy.cache.invalidation import is_cacheable, kind_of
from nescord_core.rest.proxy.forwarded_headers import accept_encoding
from nescord_core.rest.proxy.target import Target

__all__ = ["LONGEST_KEY", "UNSHARED", "key_of", "kind_of_cacheable", "vary_of"]

UNSHARED = ("Range", "If-None-Match", "If-Modified-Since", "If-Match", "If-Range")
"""Headers whose response is for their sender only."""
LONGEST_KEY = 512
"""Characters of a key; a longer one is replaced by its digest."""
VARY = ("Accept", "Accept-Language", "X-Discord-Locale")


def kind_of_cacheable(route: Route, target: Target) -> str:
    """Return the kind of a GET's response if it may be cached, otherwise an empty string."""
    if not route.authenticated or not is_cacheable(route.template, target.query):
        return ""
    # No id of Discord's is that long, and the path would be part of the tags.
    return kind_of(route.template) if len(target.path) <= LONGEST_KEY else ""


def vary_of(headers: Mapping[str, str]) -> str:
    """Return the part of a key that depends on the caller's headers."""
    return "\n".join((accept_encoding(headers), *(headers.get(name, "") for name in VARY)))


def key_of(token: str, url: str, vary: str) -> str:
    """Return the key of a response; ``token`` is a fingerprint."""
    key = f"{token}\n{url}\n{vary}"
    if len(key) <= LONGEST_KEY:
        return key
    return hashlib.sha256(key.encode("utf-8", "surrogateescape")).hexdigest()
