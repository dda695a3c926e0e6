"""Takes out of an event what is somebody's own: names, texts, and the tokens that nobody should keep.

Ids stay, because events would not belong together without them. The same name becomes the same stand-in
throughout a recording, so that who is who can still be told.
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
_GONE = "(scrubbed)"


class Scrubber:
    """``what`` names what goes: `NAMES`, `CONTENT`, both or neither; secrets always go."""

    def __init__(self, what: frozenset[str] = frozenset()) -> None:
        self._names = NAMES in what
        self._content = CONTENT in what
        self._known: dict[str, str] = {}

    def scrub(self, value: Any) -> Any:
        """Return a copy of decoded JSON without it."""
        if isinstance(value, Mapping):
            return {key: self._field(str(key), item) for key, item in value.items()}
        if isinstance(value, list):
            return [self.scrub(item) for item in value]
        return value

    def _field(self, key: str, value: Any) -> Any:
        if value is None or value == "":
            return value
        if key in SECRETS and isinstance(value, str):
            return _GONE
        if self._names and key in _PICTURES | _PRIVATE:
            return None
        if self._names and key in _PERSONS | _PLACES and isinstance(value, str):
            return self._stand_in("user" if key in _PERSONS else "name", value)
        if self._content and key in _TEXTS and isinstance(value, str):
            return _LETTER.sub("x", value)
        return self.scrub(value)

    def _stand_in(self, kind: str, name: str) -> str:
        known = self._known.get(name)
        if known is None:
            known = self._known[name] = f"{kind}-{len(self._known) + 1}"
        return known
