"""Masks secrets in what services print."""

from __future__ import annotations

from collections.abc import Iterable

from nescord_core.process.logs import spellings

__all__ = ["Redaction"]

SHORTEST_SECRET = 6


class Redaction:
    """Masks secrets in text, longest first: one secret may contain another."""

    def __init__(self, secrets: Iterable[str | None]) -> None:
        found = spellings(secret for secret in secrets if secret and len(secret) >= SHORTEST_SECRET)
        self._secrets = sorted(found, key=len, reverse=True)

    def with_more(self, secrets: Iterable[str | None]) -> Redaction:
        """Return a redaction that masks these secrets as well."""
        return Redaction([*self._secrets, *secrets])

    def __call__(self, text: str) -> str:
        for secret in self._secrets:
            if secret in text:
                text = text.replace(secret, "***")
        return text
