"""Refuses requests that must not be sent at all: address banned, token rejected, webhook deleted.

https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""

from __future__ import annotations

from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.route import Route
from nescord_core.ratelimit.tickets import Refusal, Ticket, TokenScope

__all__ = ["Refusals"]

DEFAULT_BAN = 60.0
"""Assumed duration, in seconds, of a ban that names none."""
RECHECK_TOKEN = 60.0
"""Seconds after which one request probes whether a token that got a 401 is valid again."""
UNKNOWN_WEBHOOK = 10015
MOST_GONE = 10_000
"""Deleted webhooks that are remembered; older ones are forgotten."""


class Refusals:
    """Decides on refusals, for all tokens of one address. Times are monotonic seconds."""

    __slots__ = ("_gone", "banned_until", "invalid")

    def __init__(self, invalid: InvalidRequests) -> None:
        self.invalid = invalid
        self.banned_until = 0.0
        self._gone = _BoundedSet()

    def refusal(self, route: Route, scope: TokenScope, now: float) -> Refusal | None:
        """Return why a request must not be sent; None if it may."""
        if self.banned_until > now:
            return Refusal(
                429, "Cloudflare has temporarily banned this address.", retry_after=self.banned_until - now
            )
        until = self.invalid.refused_until(now)
        if until is not None:
            message = "Too many 401, 403 and 429 answers: more would get this address banned."
            return Refusal(429, message, retry_after=until - now)
        if route.authenticated and scope.locked_until is not None and scope.locked_until > now:
            message = "401: Unauthorized (Discord rejected this token; it is retried in a minute)"
            return Refusal(401, message)
        if route.webhook and route.webhook in self._gone:
            return Refusal(404, "Unknown Webhook", code=UNKNOWN_WEBHOOK)
        return None

    def granted(self, ticket: Ticket, now: float) -> None:
        """Record that a request is sent."""
        if ticket.scope.locked_until is not None and ticket.route.authenticated:
            ticket.scope.locked_until = now + RECHECK_TOKEN  # one request at a time probes
        if not ticket.route.exempt:
            self.invalid.took(now)

    def saw(self, ticket: Ticket, answer: Answer, now: float) -> None:
        """Record what an answer shows about the address, the token and the webhook."""
        route, scope = ticket.route, ticket.scope
        if answer.status < 400 and scope.locked_until is None:
            return
        self.invalid.saw(answer, now)
        if answer.is_ban:
            wait = DEFAULT_BAN if answer.retry_after is None else answer.retry_after
            self.banned_until = max(self.banned_until, now + wait)
        if answer.status == 401 and route.authenticated and scope.key and not answer.code:
            scope.locked_until = now + RECHECK_TOKEN
        elif scope.locked_until is not None and route.authenticated and _proves_token(answer):
            scope.locked_until = None
        if answer.status == 404 and route.webhook and answer.code in {0, UNKNOWN_WEBHOOK}:
            self._gone.add(route.webhook)


def _proves_token(answer: Answer) -> bool:
    """Return whether the token was accepted. 429s and server errors may precede the check of the token."""
    return answer.status < 500 and answer.status not in {401, 429}


class _BoundedSet:
    """A set that keeps the last ``keep`` keys added."""

    __slots__ = ("_keep", "_keys")

    def __init__(self, keep: int = MOST_GONE) -> None:
        self._keep = keep
        self._keys: dict[str, None] = {}

    def add(self, key: str) -> None:
        """Add a key; drop the oldest if the set is full."""
        self._keys[key] = None
        if len(self._keys) > self._keep:
            del self._keys[next(iter(self._keys))]

    def __contains__(self, key: str) -> bool:
        return key in self._keys
