"""Removes personal data from events: names, texts, and tokens, which should never be stored.

Ids stay, as events could not be related without them. The same name gets the same replacement throughout a
recording, so that people remain distinguishable.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["CONTENT", "NAMES", "SECRETS", "Scrubber"]

NAMES = "names"
CONTENT = "content"

SECRETS = frozenset({"token", "secret", "resume_gateway_url"})
_PERSONS = frozenset({"username", "global_name", "nick", "display_name"})
_PLACES = frozenset({"name", "topic", "vanity_url_code"})
_PICTURES = frozenset({"avatar", "banner", "icon", "splash", "discovery_splash", "avatar_decoration_data"})
_PRIVATE = frozenset({"email", "phone", "locale"})
_TEXTS = frozenset({"content", "title", "description", "text", "value", "label", "placeholder", "state"})
_TEXTS |= frozenset({"details", "filename", "url", "proxy_url"})
_LETTER = re.compile(r"[^\W_]")
_REMOVED = "(scrubbed)"


class Scrubber:
    """``what`` to remove: `NAMES`, `CONTENT`, both or neither; secrets are always removed."""

    def __init__(self, what: frozenset[str] = frozenset()) -> None:
        self._names = NAMES in what
        self._content = CONTENT in what
        self._known: dict[str, str] = {}

    def scrub(self, value: Any) -> Any:
        """Return a scrubbed copy of decoded JSON."""
        if isinstance(value, Mapping):
            return {key: self._field(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.scrub(item) for item in value]
        return value

    def _field(self, key: str, value: Any) -> Any:
        if value is None or value == "":
            return value
        if key in SECRETS and isinstance(value, str):
            return _REMOVED
        if self._names and key in _PICTURES | _PRIVATE:
            return None
        if self._names and key in _PERSONS | _PLACES and isinstance(value, str):
            return self._replacement("user" if key in _PERSONS else "name", value)
        if self._content and key in _TEXTS and isinstance(value, str):
            return _LETTER.sub("x", value)
        return self.scrub(value)

    def _replacement(self, kind: str, name: str) -> str:
        replacement = self._known.get(name)
        if replacement is None:
            replacement = self._known[name] = f"{kind}-{len(self._known) + 1}"
        return replacement
