"""Decides who may use the proxy, and which token a request is forwarded with.

On loopback without a secret, every local program may. Otherwise a caller needs the secret or the bot's token.
A web page in a browser on this machine does not count as a local program.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from nescord_core.process.hosts import is_trusted_host

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
    """Return a short identifier of a credential that does not reveal it; empty for none."""
    return (
        hashlib.sha256(authorization.encode("utf-8", "surrogateescape")).hexdigest()[:16]
        if authorization
        else ""
    )


@dataclass(frozen=True, slots=True)
class Access:
    """``token`` is the bot's, without ``Bot``; ``secret`` is None if loopback is trusted.

    With ``passthrough``, a caller's own credential is forwarded instead of the bot's.
    """

    token: str | None = field(repr=False)
    secret: str | None = field(repr=False)
    passthrough: bool = True
    hosts: frozenset[str] = frozenset()
    """Names that callers may reach the proxy by, besides addresses and names without a dot."""

    @property
    def own(self) -> str | None:
        """The Authorization header with the bot's token."""
        return f"Bot {self.token}" if self.token else None

    def authorization(self, headers: Mapping[str, str], *, authenticated: bool) -> str | None:
        """Check the caller; return the Authorization to forward, None for none.

        Routes with a credential in their path (``authenticated`` false) get only what the caller sent, never
        the bot's token: a 401 there would say nothing about that. Raises `AccessDenied`.
        """
        given = headers.get("Authorization")
        is_own = self._is_own(given)
        self._check(headers, is_own=is_own)
        if given and not is_own and not self.passthrough:
            raise AccessDenied(
                403, "This proxy serves its own bot only: omit Authorization, or enable rest.passthrough."
            )
        if not authenticated:
            return None if is_own else given
        return self.own if is_own or not given else given

    def check_host(self, headers: Mapping[str, str]) -> None:
        """Refuse a host name that a web page may have rebound to this machine.

        A browser sends no Origin with a same-origin GET, so nothing else distinguishes such a page from a
        local program. Raises `AccessDenied`.
        """
        host = headers.get("Host")
        if host is None or _is_trusted(host, self.hosts):
            return
        shown = headers.get(SECRET_HEADER)
        if self._is_own(headers.get("Authorization")) or (
            self.secret and shown and _equal(shown, self.secret)
        ):
            return
        raise AccessDenied(
            403,
            "This proxy does not answer to that Host. Use its address, or add the name to security.hosts"
            " (NESCORD_HOSTS).",
        )

    def check(self, headers: Mapping[str, str]) -> None:
        """Check a caller of the proxy's own routes. Raises `AccessDenied`."""
        self._check(headers, is_own=self._is_own(headers.get("Authorization")))

    def _is_own(self, given: str | None) -> bool:
        if not given or not self.token:
            return False
        return _equal(given, self.token) or _equal(given, f"Bot {self.token}")

    def _check(self, headers: Mapping[str, str], *, is_own: bool) -> None:
        given_secret = headers.get(SECRET_HEADER)
        if is_own or (self.secret and given_secret and _equal(given_secret, self.secret)):
            return
        if self.secret:
            raise AccessDenied(
                401,
                "This proxy requires its secret (security.secret, NESCORD_SECRET) in X-Nescord-Secret,"
                " or the bot's token in Authorization.",
            )
        if "Origin" in headers or headers.get("Sec-Fetch-Site", "none") != "none":
            raise AccessDenied(
                403,
                "This request came from a web page. To use the proxy from a browser, set security.secret"
                " (NESCORD_SECRET) and send it in X-Nescord-Secret.",
            )


@lru_cache(maxsize=256)
def _is_trusted(host: str, names: frozenset[str]) -> bool:
    return is_trusted_host(host, names)


def _equal(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode("utf-8", "surrogateescape"), other.encode())
