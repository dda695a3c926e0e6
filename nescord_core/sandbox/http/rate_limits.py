"""Discord's rate limits, from the server's side. Pure: time comes in as ``now`` (monotonic seconds).

Written from the documentation and from what is known of production, separately from the client's limiter, so
that the two test each other. https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

import hashlib
import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nescord_core.snowflake import created_at_ms

__all__ = [
    "Allowed",
    "InvalidRequests",
    "Limited",
    "Limits",
    "Rule",
    "headers",
    "rate_limited_body",
    "rule_for",
]


@dataclass(frozen=True, slots=True)
class Rule:
    """A bucket: ``limit`` uses per ``window`` seconds; leaky unless ``fixed``."""

    bucket: str
    limit: int
    window: float
    fixed: bool = False

    @property
    def hash(self) -> str:
        """The value of X-RateLimit-Bucket: the same for every channel, guild or webhook."""
        return hashlib.blake2s(self.bucket.encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class Allowed:
    """The request is within the limits. ``rule`` is None for routes without a bucket (no headers)."""

    rule: Rule | None
    remaining: int = 0
    reset_after: float = 0.0


@dataclass(frozen=True, slots=True)
class Limited:
    """The request gets a 429. ``remaining`` above 0 means that a hidden sub-limit refused it."""

    rule: Rule | None
    retry_after: float
    scope: str
    remaining: int = 0
    reset_after: float = 0.0


UNLIMITED = frozenset({"create_interaction_response", "get_gateway"})
"""Responses to interactions are not limited; GET /gateway has no headers."""

RULES: Mapping[str, tuple[str, int, float]] = {
    # operation: (bucket, limit, window)
    "create_message": ("messages", 5, 5.0),
    "update_message": ("messages-edit", 5, 5.0),
    "list_messages": ("messages-list", 5, 5.0),
    "get_message": ("messages-get", 5, 5.0),
    "bulk_delete_messages": ("messages-bulk-delete", 1, 3.0),
    "crosspost_message": ("crosspost", 10, 3600.0),
    "add_my_message_reaction": ("reactions", 1, 0.25),
    "delete_my_message_reaction": ("reactions", 1, 0.25),
    "delete_user_message_reaction": ("reactions", 1, 0.25),
    "delete_all_message_reactions_by_emoji": ("reactions", 1, 0.25),
    "delete_all_message_reactions": ("reactions", 1, 0.25),
    "trigger_typing_indicator": ("typing", 5, 5.0),
    "update_channel": ("channel", 10, 15.0),
    "create_dm": ("dms", 10, 10.0),
    "get_bot_gateway": ("gateway-bot", 2, 5.0),
    "execute_webhook": ("webhook", 5, 2.0),
    "create_guild_emoji": ("emojis", 50, 3600.0),
    "update_guild_emoji": ("emojis", 50, 3600.0),
    "delete_guild_emoji": ("emojis", 50, 3600.0),
    "create_application_command": ("commands", 5, 20.0),
    "bulk_set_application_commands": ("commands-set", 60, 30.0),
    "bulk_set_guild_application_commands": ("commands-set-guild", 60, 30.0),
    "update_guild_member": ("members", 10, 10.0),
    "ban_user_from_guild": ("bans", 5, 5.0),
}
FIXED_WINDOWS: Mapping[str, Rule] = {
    # Known to be fixed windows: Reset does not move within one.
    "add_guild_member_role": Rule("member-roles-add", 10, 10.0, fixed=True),
    "delete_guild_member_role": Rule("member-roles-remove", 10, 10.0, fixed=True),
}
DEFAULT_READS, DEFAULT_WRITES = (20, 10.0), (10, 10.0)
CHANNEL_NAME = Rule("channel-name", 2, 600.0, fixed=True)
"""Changes of a channel's name or topic: 2 in 10 minutes, which no header shows."""
WEBHOOK_CHANNEL = Rule("webhook-channel", 30, 60.0)
"""All webhooks of one channel together, which no header shows."""
TWO_WEEKS_MS, FRESH_MS = 14 * 86_400_000, 10_000
PRUNE_AT = 20_000


def rule_for(operation_id: str, method: str, args: Mapping[str, str], wall_ms: float) -> Rule | None:
    """Return the rule of a request's bucket; None for routes without a bucket.

    Message deletes have three buckets by the message's age (https://github.com/discord/discord-api-docs/issues/1295).
    """
    if operation_id in UNLIMITED:
        return None
    if operation_id == "delete_message":
        return _delete_rule(args.get("message_id", "0"), wall_ms)
    if operation_id in FIXED_WINDOWS:
        return FIXED_WINDOWS[operation_id]
    if operation_id in RULES:
        return Rule(*RULES[operation_id])
    return Rule(operation_id, *(DEFAULT_READS if method == "GET" else DEFAULT_WRITES))


def _delete_rule(message_id: str, wall_ms: float) -> Rule:
    age = wall_ms - created_at_ms(int(message_id)) if message_id.isdecimal() else 0
    if age > TWO_WEEKS_MS:
        return Rule("delete-old", 30, 120.0)
    if age < FRESH_MS:
        return Rule("delete-fresh", 3, 1.0)
    return Rule("delete", 5, 1.0)


class _Bucket:
    """The state of a bucket: when a leaky one is empty again; the end and the uses of a fixed window."""

    __slots__ = ("ends", "used")

    def __init__(self) -> None:
        self.ends = 0.0
        self.used = 0

    def take(self, rule: Rule, now: float) -> Allowed | float:
        """Use the bucket once; returns the seconds to wait if it is full."""
        return self._take_fixed(rule, now) if rule.fixed else self._take_leaky(rule, now)

    def _take_fixed(self, rule: Rule, now: float) -> Allowed | float:
        if now >= self.ends:
            self.ends, self.used = now + rule.window, 0
        if self.used >= rule.limit:
            return self.ends - now
        self.used += 1
        return Allowed(rule, rule.limit - self.used, self.ends - now)

    def _take_leaky(self, rule: Rule, now: float) -> Allowed | float:
        interval = rule.window / rule.limit
        ends = max(self.ends, now) + interval
        if ends - now > rule.window + 1e-9:
            return ends - now - rule.window
        self.ends = ends
        used = math.ceil((ends - now) / interval - 1e-9)
        return Allowed(rule, rule.limit - used, ends - now)


class Limits:
    """All buckets of one sandbox. ``global_limit`` is in requests per second and token.

    Without ``enabled`` nothing is limited, and responses have no rate limit headers, so that no client waits.
    """

    def __init__(self, global_limit: int, *, enabled: bool = True) -> None:
        self.global_limit = global_limit
        self.enabled = enabled
        self._buckets: dict[tuple[str, str, str], _Bucket] = {}
        self._seconds: dict[str, _Bucket] = {}

    def take_global(self, token: str, now: float) -> Limited | None:
        """Count a request against the token's requests per second; returns Limited past the limit."""
        if not self.enabled:
            return None
        second = self._seconds.setdefault(token, _Bucket())
        wait = second.take(Rule("global", self.global_limit, 1.0, fixed=True), now)
        return Limited(None, wait, "global") if isinstance(wait, float) else None

    def take(self, rule: Rule | None, token: str, major: str, now: float) -> Allowed | Limited:
        """Use the bucket of a request, which depends on token, rule and major parameter."""
        if rule is None or not self.enabled:
            return Allowed(None)
        result = self._bucket(token, rule.bucket, major, now).take(rule, now)
        if isinstance(result, float):
            return Limited(rule, result, "user", 0, result)
        return result

    def take_hidden(
        self, rule: Rule, main: Allowed, major: str, now: float, *, scope: str = "user"
    ) -> Limited | None:
        """Use a sub-limit that no header shows; Limited has the remaining uses of the main bucket."""
        if not self.enabled:
            return None
        result = self._bucket("", rule.bucket, major, now).take(rule, now)
        if isinstance(result, float):
            return Limited(main.rule, result, scope, main.remaining, main.reset_after)
        return None

    def _bucket(self, token: str, name: str, major: str, now: float) -> _Bucket:
        if len(self._buckets) > PRUNE_AT:
            self._buckets = {key: each for key, each in self._buckets.items() if each.ends > now}
        return self._buckets.setdefault((token, name, major), _Bucket())


class InvalidRequests:
    """Counts 401, 403 and 429 responses in ten minutes; past the limit, Discord's front end bans the address.

    https://discord.com/developers/docs/topics/rate-limits#invalid-request-limit-aka-cloudflare-bans
    """

    def __init__(self, limit: int = 10_000, window: float = 600.0) -> None:
        self.limit = limit
        self.window = window
        self._times: deque[float] = deque()

    def banned_for(self, now: float) -> float:
        """Return the seconds until the ban ends, 0 without a ban."""
        while self._times and self._times[0] <= now - self.window:
            self._times.popleft()
        return self._times[0] + self.window - now if len(self._times) >= self.limit else 0.0

    def count(self, status: int, scope: str | None, now: float) -> None:
        """Count a response; 429s of a shared limit do not count."""
        if status in (401, 403) or (status == 429 and scope != "shared"):
            self._times.append(now)

    def __len__(self) -> int:
        return len(self._times)


def headers(result: Allowed | Limited, wall: float) -> dict[str, str]:
    """Return the X-RateLimit headers of a response; ``wall`` is seconds since the epoch."""
    values: dict[str, str] = {}
    if result.rule is not None:
        values = {
            "X-RateLimit-Limit": str(result.rule.limit),
            "X-RateLimit-Remaining": str(result.remaining),
            "X-RateLimit-Reset": f"{_round_up(wall + result.reset_after):.3f}",
            "X-RateLimit-Reset-After": f"{_round_up(result.reset_after):.3f}",
            "X-RateLimit-Bucket": result.rule.hash,
        }
    if isinstance(result, Limited):
        values["X-RateLimit-Scope"] = result.scope
        values["Retry-After"] = str(math.ceil(result.retry_after))
        if result.scope == "global":
            values["X-RateLimit-Global"] = "true"
    return values


def _round_up(seconds: float) -> float:
    """Round up to milliseconds, so that a client that waits exactly as long is not too early."""
    return math.ceil(seconds * 1000 - 1e-6) / 1000


def rate_limited_body(result: Limited) -> dict[str, Any]:
    """Return the JSON body of a 429."""
    shared = result.scope == "shared"
    message = "The resource is being rate limited." if shared else "You are being rate limited."
    return {
        "message": message,
        "retry_after": _round_up(result.retry_after),
        "global": result.scope == "global",
        "code": 0,
    }
