"""What a REST operation gets and gives, and the table that operations are entered in."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nescord_core.discord_api.contract import Operation
from nescord_core.sandbox.world.extra_state import Grant
from nescord_core.sandbox.world.simcord.model import BackendError, Guild
from nescord_core.sandbox.world.world import World

__all__ = [
    "Call",
    "GatewayInfo",
    "Grant",
    "Response",
    "Route",
    "Routes",
    "Upload",
    "invalid_field",
    "not_found",
    "parse_ids",
    "query_flag",
]


class GatewayInfo(Protocol):
    """What GET /gateway/bot tells of the gateway half."""

    @property
    def url(self) -> str:
        """The gateway's URL, without a query."""

    @property
    def shards(self) -> int:
        """The recommended number of shards."""

    def session_start_limit(self) -> Mapping[str, int]:
        """total, remaining, reset_after (milliseconds), max_concurrency."""


@dataclass(slots=True)
class Upload:
    """A file of a multipart request."""

    field_name: str
    filename: str
    data: bytes
    description: str | None = None

    @property
    def fp(self) -> io.BytesIO:
        """The bytes as a file, which is how the model reads them."""
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked and decoded. ``args`` are the values in the path by the document's names."""

    world: World
    operation: Operation
    path: str
    args: Mapping[str, str]
    query: Mapping[str, str] = field(default_factory=dict)
    body: Any = None
    files: Sequence[Upload] = ()
    reason: str | None = None
    gateway: GatewayInfo | None = None
    grant: Grant | None = None
    """Who calls with an OAuth2 token, and what for; None for the bot."""
    repeated_query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Query parameters that came more than once, with all their values."""

    def values(self, name: str) -> Sequence[str]:
        """Return all values of a query parameter: repeated, or in one with commas between."""
        return self.repeated_query.get(name) or [each for each in self.query.get(name, "").split(",") if each]

    def id(self, name: str) -> int:
        """Return an id of the path."""
        return int(self.args[name])

    @property
    def guild(self) -> Guild:
        """The guild of the path; a 404 when the bot is not in it."""
        return self.world.model.get_guild(self.id("guild_id"))

    @property
    def actor_id(self) -> int:
        """The user who calls: the bot, or whoever granted the OAuth2 token."""
        return self.world.application_id if self.grant is None else self.grant.user_id

    @property
    def form(self) -> Mapping[str, Any]:
        """The body when it is an object, else nothing."""
        return self.body if isinstance(self.body, dict) else {}

    def require_own_application(self) -> None:
        """Raise a 403 unless the application of the path is the bot's."""
        if self.id("application_id") != self.world.application_id:
            raise BackendError(
                403, 20012, "You are not authorized to perform this action on this application"
            )

    def require_permissions(self, *permissions: str) -> None:
        """Raise a 403 unless the bot has these permissions in the guild of the path."""
        model = self.world.model
        model.require_permissions(self.id("guild_id"), model.bot_user.id, None, *permissions)

    def require_channel_permissions(self, *permissions: str) -> None:
        """Raise a 403 unless the bot sees the channel of the path and has these permissions there."""
        model = self.world.model
        channel = model.get_channel(self.id("channel_id"))
        model.require_permissions(channel.guild_id, model.bot_user.id, channel.id, *permissions)


@dataclass(frozen=True, slots=True)
class Response:
    """An answer whose status is not the usual one, or that is not JSON (``content_type`` and bytes)."""

    status: int
    payload: Any = None
    content_type: str = "application/json"


Route = Callable[[Call], Any]


class Routes:
    """Operations by operationId, entered with a decorator."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    def answers(self, *operation_ids: str) -> Callable[[Route], Route]:
        """Enter a function as what answers these operations."""

        def enter(route: Route) -> Route:
            self.answered_by(route, *operation_ids)
            return route

        return enter

    def answered_by(self, route: Route, *operation_ids: str) -> None:
        """Enter one function as what answers these operations."""
        self._routes |= dict.fromkeys(operation_ids, route)

    def items(self) -> Iterable[tuple[str, Route]]:
        """Return the operations with what answers them."""
        return self._routes.items()


def not_found(code: int, what: str) -> BackendError:
    """Return Discord's 404 for something unknown."""
    return BackendError(404, code, f"Unknown {what}")


def invalid_field(field_name: str, code: str, message: str) -> BackendError:
    """Return Discord's 400 for one field of a body."""
    problem = {field_name: {"_errors": [{"code": code, "message": message}]}}
    return BackendError(400, 50035, "Invalid Form Body", errors=problem)


def parse_ids(field_name: str, given: Any) -> list[int]:
    """Return the ids of a field that is a list, or one text with commas between. Raises a 400."""
    many = given.split(",") if isinstance(given, str) else given or ()
    if wrong := [each for each in many if not str(each).strip().isdecimal()]:
        raise invalid_field(field_name, "NUMBER_TYPE_COERCE", f'Value "{wrong[0]}" is not snowflake.')
    return [int(each) for each in many]


def query_flag(call: Call, name: str) -> bool:
    """Say whether a query parameter says yes."""
    return call.query.get(name, "").lower() in ("true", "1")
