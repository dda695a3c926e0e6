"""Who may use the proxy, and with whose token a request goes on.

On loopback with no secret set every local program may. Otherwise a caller shows the secret or the bot's own
token. A web page that happens to reach the port from a browser on this machine is no local program.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

__all__ = ["Access", "AccessDenied", "fingerprint"]

SECRET_HEADER = "X-Nescord-Secret"  # noqa: S105 - the name of a header


class AccessDenied(Exception):
    """The caller may not use the proxy; the message says what to do."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message


@lru_cache(maxsize=256)
def fingerprint(authorization: str | None) -> str:
    """Return a short name for a credential that does not give it away; empty for none."""
    return (
        hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        if authorization
        else ""
    )


@dataclass(frozen=True, slots=True)
class Access:
    """``token`` is the bot's, without ``Bot``; ``secret`` is None where loopback is trust enough.

    With ``passthrough``, a caller's own credential goes on in place of the bot's.
    """

    token: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    passthrough: bool = True

    @property
    def own(self) -> str | None:
        """The bot's own Authorization header."""
        return f"Bot {self.token}" if self.token else None

    def authorization(self, headers: Mapping[str, str], *, authenticated: bool) -> str | None:
        """Check the caller; return the Authorization to send on, None for none.

        Routes whose path holds their own credential (``authenticated`` false) get only what the caller sent,
        and never the bot's token: a 401 there would say nothing about it. Raises `AccessDenied`.
        """
        given = headers.get("Authorization")
        is_own = self._is_own(given)
        self._check(headers, is_own=is_own)
        if given and not is_own and not self.passthrough:
            raise AccessDenied(
                403, "This proxy serves its own bot only: leave Authorization out, or set rest.passthrough."
            )
        if not authenticated:
            return None if is_own else given
        return self.own if is_own or not given else given

    def check(self, headers: Mapping[str, str]) -> None:
        """Check a caller of the proxy's own routes. Raises `AccessDenied`."""
        self._check(headers, is_own=self._is_own(headers.get("Authorization")))

    def _is_own(self, given: str | None) -> bool:
        if not given or not self.token:
            return False
        return _same(given, self.token) or _same(given, f"Bot {self.token}")

    def _check(self, headers: Mapping[str, str], *, is_own: bool) -> None:
        shown = headers.get(SECRET_HEADER)
        if is_own or (self.secret and shown and _same(shown, self.secret)):
            return
        if self.secret:
            raise AccessDenied(
                401,
                "This proxy serves callers that know its secret: send it in the X-Nescord-Secret header"
                " (security.secret, NESCORD_SECRET), or the bot's own token in Authorization.",
            )
        if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
            raise AccessDenied(
                403,
                "This request came from a web page. Set security.secret (NESCORD_SECRET) and send it in"
                " X-Nescord-Secret to use the proxy from a browser.",
            )


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())
