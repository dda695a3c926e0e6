"""Every error that nescord raises, in one hierarchy.

An error carries facts as attributes and prints as one paragraph: what happened, where, and what to do.
Library errors are translated into these where the library is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar

from nescord_core.plurals import counted

__all__ = [
    "AlreadyRunning",
    "BadRequest",
    "ConfigError",
    "DiscordHTTPError",
    "DiscordServerError",
    "EntryError",
    "FatalClose",
    "Forbidden",
    "GatewayCommandError",
    "IdentifyBudgetSpent",
    "InvalidRequestLimit",
    "MemberRequestFailed",
    "NescordError",
    "NotFound",
    "NotRunning",
    "PortTaken",
    "ProtocolMismatch",
    "RateLimited",
    "ServiceFailed",
    "TokenRejected",
    "TransportError",
    "Unauthorized",
]


class NescordError(Exception):
    """The base class: ``exit_code`` is the CLI's exit code (1 for run-time errors, 2 for wrong use).

    ``hint`` says what to do; ``details`` are lines to show before the message: an excerpt, the end of a log.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.details = details

    def __str__(self) -> str:
        return f"{self.message} {self.hint}".rstrip()


class ConfigError(NescordError):
    """A flag, variable or file has an unusable value.

    ``where`` names the file and key, or the variable or flag, that has the value.
    """

    exit_code = 2

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        super().__init__(f"{where}: {message}" if where else message, hint=hint)
        self.where = where


class EntryError(NescordError):
    """The bot's code (``main.entry``) could not be loaded; ``details`` is its traceback or excerpt."""


class PortTaken(NescordError):
    """An address is in use; ``holder`` describes the process that uses it, if the system reveals it."""

    def __init__(self, address: str, *, service: str, key: str, holder: str = "") -> None:
        super().__init__(
            f"{service} cannot listen on {address}: the port is taken{f' by {holder}' if holder else ''}.",
            hint=f"Stop that process, or set {key} to another address. `nescord dev` and `nescord run all`"
            " move all ports with --port-offset N.",
        )
        self.address = address
        self.service = service
        self.key = key
        self.holder = holder


class AlreadyRunning(NescordError):
    """A second process was started for something that only one may own (a token's gateway sessions)."""

    exit_code = 2

    def __init__(self, *, service: str, state_dir: str, pid: int | None) -> None:
        owner = f" (process {pid})" if pid else ""
        super().__init__(
            f"{service} is already running with its state in {state_dir}{owner}.",
            hint="Stop that one first, or give this one its own state_dir (NESCORD_STATE_DIR).",
        )
        self.service = service
        self.state_dir = state_dir
        self.pid = pid


class NotRunning(NescordError):
    """A command needs a service that is not running here."""

    def __init__(self, what: str, *, state_dir: str) -> None:
        super().__init__(
            f"{what} is not running with state in {state_dir}.",
            hint="Start it with `nescord dev` or `nescord run`, or set NESCORD_STATE_DIR to where it runs.",
        )
        self.what = what
        self.state_dir = state_dir


class ServiceFailed(NescordError):
    """A supervised service gave up; ``service`` names it."""

    def __init__(self, service: str, message: str, *, hint: str = "", details: str = "") -> None:
        super().__init__(f"{service}: {message}", hint=hint, details=details)
        self.service = service


class ProtocolMismatch(NescordError):
    """ws and main speak different versions of their protocol."""

    def __init__(self, *, ours: int, theirs: int, peer: str) -> None:
        super().__init__(
            f"This side speaks nescord protocol {ours}, {peer} speaks {theirs}.",
            hint="Install the same version of nescord on both sides.",
        )
        self.ours = ours
        self.theirs = theirs
        self.peer = peer


class TokenRejected(NescordError):
    """Discord does not accept the bot's token (HTTP 401 or gateway close 4004)."""

    exit_code = 2

    def __init__(self, *, seen: str) -> None:
        super().__init__(
            f"Discord rejected the bot token ({seen}).",
            hint="Check DISCORD_BOT_TOKEN; the Bot page of the Developer Portal shows a reset token once.",
        )
        self.seen = seen


class IdentifyBudgetSpent(NescordError):
    """The day's session starts are (nearly) used up, so no IDENTIFY is sent.

    If the limit is exceeded, Discord resets the token
    (https://discord.com/developers/docs/events/gateway#session-start-limit-object).
    ``reset_after`` is in seconds.
    """

    def __init__(self, *, remaining: int, needed: int, reserve: int, reset_after: float) -> None:
        super().__init__(
            f"Discord allows {counted(remaining, 'more session start')} today; {needed} needed,"
            f" {reserve} kept in reserve.",
            hint=f"The limit resets in {reset_after / 3600:.1f} h. Find out what uses them up.",
        )
        self.remaining = remaining
        self.needed = needed
        self.reserve = reserve
        self.reset_after = reset_after


FATAL_CLOSE_REASONS: Mapping[int, tuple[str, str]] = {
    4004: ("the token is not valid", "Check DISCORD_BOT_TOKEN."),
    4010: (
        "the shard id or shard count is not valid",
        "Check ws.shards and ws.shard_ids; very large bots need a multiple of the number Discord gives.",
    ),
    4011: ("this bot is in too many guilds for one shard", "Set ws.shards to auto or to a larger number."),
    4012: ("the gateway version is not valid", "Upgrade nescord."),
    4013: ("bot.intents contains a bit that Discord does not know", "Check bot.intents (DISCORD_INTENTS)."),
    4014: (
        "an intent is not allowed for this bot",
        "Enable it under Bot, Privileged Gateway Intents, in the Developer Portal,"
        " or remove it from bot.intents (DISCORD_INTENTS).",
    ),
}


class FatalClose(NescordError):
    """Discord closed a shard with a code after which reconnecting is pointless.

    https://discord.com/developers/docs/topics/opcodes-and-status-codes#gateway-gateway-close-event-codes
    """

    exit_code = 2

    def __init__(self, *, shard_id: int, code: int, reason: str = "") -> None:
        what, hint = FATAL_CLOSE_REASONS.get(code, (reason or "no reason given", ""))
        super().__init__(f"Discord closed shard {shard_id} for good with {code}: {what}.", hint=hint)
        self.shard_id = shard_id
        self.code = code
        self.reason = reason


class GatewayCommandError(NescordError):
    """A gateway command could not be delivered to its shard, or Discord rejected it."""


class MemberRequestFailed(GatewayCommandError, TimeoutError):
    """The members that a discord.py bot requested did not arrive; discord.py expects a TimeoutError."""


class TransportError(NescordError):
    """A peer could not be reached or the connection broke: DNS, refused, reset, time-out."""


class InvalidRequestLimit(NescordError):
    """There were so many 401, 403 and 429 responses that further ones would get this address banned."""


class DiscordHTTPError(NescordError):
    """Discord responded with an error.

    ``status`` is the HTTP status; ``code`` and ``errors`` are Discord's JSON error code (0 if there is none)
    and per-field details; ``method`` and ``path`` identify the request (tokens masked).
    https://discord.com/developers/docs/topics/opcodes-and-status-codes#json
    """

    def __init__(
        self,
        *,
        status: int,
        method: str,
        path: str,
        code: int = 0,
        message: str = "",
        errors: Mapping[str, Any] | None = None,
    ) -> None:
        detail = message or _phrase(status)
        fields = "; ".join(_flatten(errors or {}))
        super().__init__(
            f"{method} {path}: {status} {detail}"
            + (f" (Discord's code {code})" if code else "")
            + (f": {fields}" if fields else "")
        )
        self.status = status
        self.method = method
        self.path = path
        self.code = code
        self.discord_message = message
        self.errors: Mapping[str, Any] = errors or {}


class BadRequest(DiscordHTTPError):
    """400: the body or a parameter is not what Discord expects; ``errors`` names the fields."""


class Unauthorized(DiscordHTTPError):
    """401: the token is missing or not valid."""


class Forbidden(DiscordHTTPError):
    """403: the bot lacks a permission or access."""


class NotFound(DiscordHTTPError):
    """404: it does not exist, or the bot cannot see it."""


class RateLimited(DiscordHTTPError):
    """429 that was not waited out; ``retry_after`` is in seconds, ``scope`` is user, global or shared."""

    def __init__(self, *, retry_after: float = 0.0, scope: str = "user", **facts: Any) -> None:
        super().__init__(**facts)
        self.retry_after = retry_after
        self.scope = scope


class DiscordServerError(DiscordHTTPError):
    """5xx: Discord, or the proxy in front of it, could not serve the request."""


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown status"


def _flatten(errors: Mapping[str, Any], prefix: str = "") -> list[str]:
    """Flatten Discord's field errors, which are nested: {field: {index: {_errors: [{code, message}]}}}."""
    lines: list[str] = []
    for key, value in errors.items():
        if key == "_errors" and isinstance(value, list):
            lines += [f"{prefix or 'body'}: {e.get('message', '')}" for e in value if isinstance(e, Mapping)]
        elif isinstance(value, Mapping):
            lines += _flatten(value, f"{prefix}.{key}" if prefix else key)
    return lines
