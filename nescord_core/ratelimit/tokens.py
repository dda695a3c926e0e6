"""The tokens that are in use, up to a bound: callers of a proxy that takes any may make them up."""

from __future__ import annotations

from collections.abc import ValuesView

from nescord_core.ratelimit.tickets import TokenScope

__all__ = ["TokenScopes"]

FORGET_TOKEN = 3600.0
"""Seconds without a request after which what a token taught (which routes share buckets) is let go."""
MOST_TOKENS = 2048
"""Tokens known at once."""


class TokenScopes:
    """What belongs to each token, by its fingerprint (empty for none). Times are monotonic seconds."""

    __slots__ = ("_global_limit", "_scopes")

    def __init__(self, global_limit: int) -> None:
        self._global_limit = global_limit
        self._scopes: dict[str, TokenScope] = {}

    def scope(self, token: str, now: float) -> TokenScope:
        """Return what belongs to a token, made when it is new."""
        scope = self._scopes.get(token)
        if scope is None:
            if len(self._scopes) >= MOST_TOKENS:
                self._forget_idle()
            scope = self._scopes[token] = TokenScope(token, self._global_limit)
        scope.used_at = now
        return scope

    def get(self, token: str) -> TokenScope | None:
        """Return what belongs to a token, None when it is not known."""
        return self._scopes.get(token)

    def scopes(self) -> ValuesView[TokenScope]:
        """Return what belongs to all of them."""
        return self._scopes.values()

    def sweep(self, now: float) -> None:
        """Forget what is idle: lanes, buckets, and tokens that nobody has used for long."""
        for key, scope in list(self._scopes.items()):
            scope.sweep(now)
            if not scope.buckets and scope.used_at + FORGET_TOKEN < now:
                del self._scopes[key]

    def _forget_idle(self) -> None:
        """Let go of the token that has been idle for longest; all of them may be at work, then none."""
        idle = (scope for scope in self._scopes.values() if scope.is_idle)
        oldest = min(idle, key=lambda scope: scope.used_at, default=None)
        if oldest is not None:
            del self._scopes[oldest.key]
