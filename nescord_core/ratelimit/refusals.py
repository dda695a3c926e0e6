"""What is not sent at all, whatever the limits allow: banned address, locked token, gone webhook.

https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
"""

from __future__ import annotations

from nescord_core.ratelimit.bounded_set import BoundedSet
from nescord_core.ratelimit.invalid_requests import InvalidRequests
from nescord_core.ratelimit.response import Answer
from nescord_core.ratelimit.route import Route
from nescord_core.ratelimit.tickets import Refusal, Ticket, TokenScope

__all__ = ["Refusals"]

DEFAULT_BAN = 60.0
"""Seconds for which a ban that names no time is believed to last."""
RECHECK_TOKEN = 60.0
"""Seconds after which one request finds out whether a token that got a 401 is good again."""
UNKNOWN_WEBHOOK = 10015


class Refusals:
    """Refusals for all tokens of one address. Times are monotonic seconds."""

    __slots__ = ("_gone", "banned_until", "invalid")

    def __init__(self, invalid: InvalidRequests) -> None:
        self.invalid = invalid
        self.banned_until = 0.0
        self._gone = BoundedSet()

    def refusal(self, route: Route, scope: TokenScope, now: float) -> Refusal | None:
        """Return why a request must not be sent, None when it may."""
        if self.banned_until > now:
            return Refusal(
                429, "Discord's front bans this address for now.", retry_after=self.banned_until - now
            )
        until = self.invalid.refused_until(now)
        if until is not None:
            message = "Too many 401, 403 and 429 answers: more would have Discord ban this address."
            return Refusal(429, message, retry_after=until - now)
        if route.authenticated and scope.locked_until is not None and scope.locked_until > now:
            message = "401: Unauthorized (Discord rejected this token; not asked again for now)"
            return Refusal(401, message)
        if route.webhook and route.webhook in self._gone:
            return Refusal(404, "Unknown Webhook", code=UNKNOWN_WEBHOOK)
        return None

    def opens(self, ticket: Ticket, now: float) -> None:
        """Note that a request goes out."""
        if ticket.scope.locked_until is not None and ticket.route.authenticated:
            ticket.scope.locked_until = now + RECHECK_TOKEN  # one request at a time asks again
        if not ticket.route.exempt:
            self.invalid.took(now)

    def saw(self, ticket: Ticket, answer: Answer, now: float) -> None:
        """Note what an answer says of the address, the token and the webhook."""
        self.invalid.saw(answer, now)
        route, scope = ticket.route, ticket.scope
        if answer.is_ban:
            wait = DEFAULT_BAN if answer.retry_after is None else answer.retry_after
            self.banned_until = max(self.banned_until, now + wait)
        if answer.status == 401 and route.authenticated and scope.key and not answer.code:
            scope.locked_until = now + RECHECK_TOKEN
        elif scope.locked_until is not None and route.authenticated and _shows_token_holds(answer):
            scope.locked_until = None
        if answer.status == 404 and route.webhook and answer.code in {0, UNKNOWN_WEBHOOK}:
            self._gone.add(route.webhook)


def _shows_token_holds(answer: Answer) -> bool:
    """A limit and a failure may come before the token was looked at."""
    return answer.status < 500 and answer.status not in {401, 429}
