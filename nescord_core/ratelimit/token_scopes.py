"""The tokens in use, up to a maximum: where the proxy accepts any token, callers could invent them."""

from __future__ import annotations

from collections.abc import ValuesView

from nescord_core.ratelimit.tickets import TokenScope

__all__ = ["TokenScopes"]

FORGET_TOKEN = 3600.0
"""Seconds without a request after which a token's state (which routes share buckets) is dropped."""
MAX_TOKENS = 2048
"""Tokens known at the same time."""


class TokenScopes:
    """The state of each token, by its fingerprint ("" for none). Times are monotonic seconds."""

    __slots__ = ("_global_limit", "_scopes")

    def __init__(self, global_limit: int) -> None:
        self._global_limit = global_limit
        self._scopes: dict[str, TokenScope] = {}

    def scope(self, token: str, now: float) -> TokenScope:
        """Return a token's state, created if needed."""
        scope = self._scopes.get(token)
        if scope is None:
            if len(self._scopes) >= MAX_TOKENS:
                self._drop_idle()
            scope = self._scopes[token] = TokenScope(token, self._global_limit)
        scope.used_at = now
        return scope

    def get(self, token: str) -> TokenScope | None:
        """Return a token's state; None if the token is not known."""
        return self._scopes.get(token)

    def scopes(self) -> ValuesView[TokenScope]:
        """Return the states of all tokens."""
        return self._scopes.values()

    def sweep(self, now: float) -> None:
        """Drop idle lanes and buckets, and tokens not used for `FORGET_TOKEN` seconds."""
        for key, scope in list(self._scopes.items()):
            scope.sweep(now)
            if not scope.buckets and scope.used_at + FORGET_TOKEN < now:
                del self._scopes[key]

    def _drop_idle(self) -> None:
        """Drop the token that has been idle for longest, if any is idle."""
        idle = (scope for scope in self._scopes.values() if scope.is_idle)
        oldest = min(idle, key=lambda scope: scope.used_at, default=None)
        if oldest is not None:
            del self._scopes[oldest.key]
