"""The call and the response of a REST operation, and the table of routes."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from nescord_core.discord_api.contract import Operation
from nescord_core.sandbox.world.simcord.model import BackendError, Guild
from nescord_core.sandbox.world.unmodelled_state import Grant
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
    """The gateway, as GET /gateway/bot shows it."""

    @property
    def url(self) -> str:
        """The gateway's URL, without a query."""

    @property
    def shards(self) -> int:
        """The recommended number of shards."""

    @property
    def world_name(self) -> str:
        """The name of the sandbox's world, which is new at every start."""

    def session_start_limit(self) -> Mapping[str, int]:
        """Return total, remaining, reset_after (milliseconds), max_concurrency."""


@dataclass(slots=True)
class Upload:
    """A file of a multipart request."""

    field_name: str
    filename: str
    data: bytes
    description: str | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Further fields of its entry in ``attachments``: title, waveform, duration_secs, is_spoiler."""

    @property
    def fp(self) -> io.BytesIO:
        """The bytes as a file object, as the model reads them."""
        return io.BytesIO(self.data)


@dataclass(frozen=True, slots=True)
class Call:
    """One request, checked and decoded. ``args`` are the values in the path, by the document's names."""

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
    """The user and scopes of a call with an OAuth2 token; None for the bot."""
    repeated_query: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """All values of each query parameter."""

    def values(self, name: str) -> Sequence[str]:
        """Return all values of a query parameter, which is repeated or has commas between them."""
        return self.repeated_query.get(name) or [each for each in self.query.get(name, "").split(",") if each]

    def id(self, name: str) -> int:
        """Return an id from the path."""
        return int(self.args[name])

    @property
    def guild(self) -> Guild:
        """The guild in the path; a 404 if the bot is not in it."""
        return self.world.model.get_guild(self.id("guild_id"))

    @property
    def actor_id(self) -> int:
        """The calling user: the bot, or the user who granted the OAuth2 token."""
        return self.world.application_id if self.grant is None else self.grant.user_id

    @property
    def form(self) -> Mapping[str, Any]:
        """The body if it is an object, else an empty one."""
        return self.body if isinstance(self.body, dict) else {}

    def require_own_application(self) -> None:
        """Raise a 403 unless the application in the path is the bot's."""
        if self.id("application_id") != self.world.application_id:
            raise BackendError(
                403, 20012, "You are not authorized to perform this action on this application"
            )

    def require_permissions(self, *permissions: str) -> None:
        """Raise a 403 unless the bot has these permissions in the guild in the path."""
        model = self.world.model
        model.require_permissions(self.id("guild_id"), model.bot_user.id, None, *permissions)

    def require_channel_permissions(self, *permissions: str) -> None:
        """Raise a 403 unless the bot can view the channel in the path and has these permissions there."""
        model = self.world.model
        channel = model.get_channel(self.id("channel_id"))
        model.require_permissions(channel.guild_id, model.bot_user.id, channel.id, *permissions)


@dataclass(frozen=True, slots=True)
class Response:
    """A response whose status is not the default, or that is not JSON (bytes and ``content_type``)."""

    status: int
    payload: Any = None
    content_type: str = "application/json"


Route = Callable[[Call], Any]


class Routes:
    """The routes of one module, by operationId."""

    def __init__(self) -> None:
        self._routes: dict[str, Route] = {}

    def answers(self, *operation_ids: str) -> Callable[[Route], Route]:
        """Register the decorated function as the route of these operations."""

        def enter(route: Route) -> Route:
            self.answered_by(route, *operation_ids)
            return route

        return enter

    def answered_by(self, route: Route, *operation_ids: str) -> None:
        """Register a function as the route of these operations."""
        self._routes |= dict.fromkeys(operation_ids, route)

    def items(self) -> Iterable[tuple[str, Route]]:
        """Return the operations with their routes."""
        return self._routes.items()


def not_found(code: int, what: str) -> BackendError:
    """Return Discord's 404 for an unknown object."""
    return BackendError(404, code, f"Unknown {what}")


def invalid_field(field_name: str, code: str, message: str) -> BackendError:
    """Return Discord's 400 for one field of a body."""
    problem = {field_name: {"_errors": [{"code": code, "message": message}]}}
    return BackendError(400, 50035, "Invalid Form Body", errors=problem)


def parse_ids(field_name: str, value: Any) -> list[int]:
    """Return the ids in a field: a list, or a string with commas between them. Raises a 400."""
    many = value.split(",") if isinstance(value, str) else value or ()
    if wrong := [each for each in many if not str(each).strip().isdecimal()]:
        raise invalid_field(field_name, "NUMBER_TYPE_COERCE", f'Value "{wrong[0]}" is not snowflake.')
    return [int(each) for each in many]


def query_flag(call: Call, name: str) -> bool:
    """Return whether a query parameter is true."""
    return call.query.get(name, "").lower() in ("true", "1")
