"""Classifies a request into a `Route`, which determines its limits: from method, path and JSON field names.

This is done once per request and stored with it: a key computed again later would differ (the message is
older by then) and block a queue. Template, major parameter:
https://discord.com/developers/docs/topics/rate-limits
"""

from __future__ import annotations

import enum
from typing import NamedTuple

from nescord_core.snowflake import created_at_ms

__all__ = ["Priority", "Route", "SubLimit", "needs_fields", "route_of"]

TWO_WEEKS_MS = 14 * 24 * 3600 * 1000
JUST_NOW_MS = 10_000
SNOWFLAKE_DIGITS = 20
INTERACTION_TOKEN = "aW50ZXJhY3Rpb24"  # noqa: S105 - base64 of "interaction", how such tokens begin


class Priority(enum.IntEnum):
    """Order of requests that could all go now."""

    INTERACTION = 0
    NORMAL = 1
    BULK = 2


class SubLimit(NamedTuple):
    """A limit that no header shows: ``limit`` requests per ``window`` seconds."""

    name: str
    limit: int
    window: float


RENAME = SubLimit("name or topic", 2, 600.0)
CHANNEL_EDIT = SubLimit("other fields", 10, 15.0)
WEBHOOK_EXECUTE = SubLimit("execute", 30, 60.0)


class Route(NamedTuple):
    """The limits of one request.

    ``variant`` separates buckets under one template; ``sub`` is a hidden limit inside the bucket.
    ``authenticated`` is false where the path contains the credential (webhooks, interactions). ``exempt``
    requests do not count towards the global limit. ``webhook`` identifies a webhook that may have been
    deleted. ``exact`` is false where the rate-limit headers are known to be wrong.
    """

    method: str
    template: str
    major: str = ""
    variant: str = ""
    sub: SubLimit | None = None
    authenticated: bool = True
    exempt: bool = False
    webhook: str = ""
    exact: bool = True
    priority: Priority = Priority.NORMAL

    @property
    def family(self) -> str:
        """Key of the routes that share a bucket hash: everything but the major parameter."""
        return f"{self.method} {self.template} {self.variant}"

    @property
    def lane_key(self) -> str:
        """Key of the requests that share a bucket and a hidden limit."""
        return (
            f"{self.method} {self.template} {self.variant} {self.sub.name if self.sub else ''}|{self.major}"
        )


def needs_fields(method: str, path: str) -> bool:
    """Return whether the limits depend on the fields of the JSON body."""
    return method == "PATCH" and path.startswith("/channels/") and path.count("/") == 2


def route_of(method: str, path: str, *, unix_ms: int, fields: frozenset[str] = frozenset()) -> Route:
    """Classify a request by its path below the API version, without the query.

    ``unix_ms`` is the current time, for the age of a message; ``fields`` are the top-level names of the JSON
    body, used only if `needs_fields` is true.
    """
    parts = path.strip("/").split("/")
    root = parts[0]
    if root == "interactions" and len(parts) >= 3:
        return _interaction(method, parts)
    if root == "webhooks" and len(parts) >= 3:
        return _webhook(method, parts)
    template = _template(parts)
    major = f"{root}/{parts[1]}" if root in _MAJOR and len(parts) > 1 and parts[1].isdecimal() else ""
    if root == "channels":
        return _channel(method, template, major, parts, unix_ms, fields)
    if template.startswith("/guilds/:id/emojis") and method != "GET":
        # Limited per guild for all methods, and the headers are wrong.
        return Route("*", "/guilds/:id/emojis", major, exact=False)
    return Route(method, template, major)


_MAJOR = frozenset({"channels", "guilds", "webhooks"})
_CODES = frozenset({"invites", "templates"})


def _template(parts: list[str]) -> str:
    """Replace the parameters of a path by placeholders, as Discord's documentation does."""
    names: list[str] = []
    before = ""
    for part in parts:
        if before == "reactions":
            name = ":emoji"
        elif before in _CODES:
            name = ":code"
        elif part.isdecimal() or part == "@original":
            name = ":id"
        else:
            name = part
        names.append(name)
        before = name
    return "/" + "/".join(names)


def _interaction(method: str, parts: list[str]) -> Route:
    return Route(
        method,
        "/".join(["/interactions/:id/:token", *parts[3:]]),
        f"interactions/{parts[1]}/{parts[2]}",
        authenticated=False,
        exempt=True,
        priority=Priority.INTERACTION,
    )


def _webhook(method: str, parts: list[str]) -> Route:
    rest = _template(parts[3:]) if len(parts) > 3 else ""
    template = f"/webhooks/:id/:token{rest}"
    major = f"webhooks/{parts[1]}/{parts[2]}"
    if parts[2].startswith(INTERACTION_TOKEN):
        # Follow-ups of an interaction. Before its callback is answered they give a 404 that is not permanent.
        return Route(method, template, major, authenticated=False, exempt=True, priority=Priority.INTERACTION)
    executes = method == "POST" and rest in {"", "/github", "/slack"}
    sub = WEBHOOK_EXECUTE if executes else None
    return Route(method, template, major, sub=sub, authenticated=False, webhook=major)


def _channel(
    method: str, template: str, major: str, parts: list[str], unix_ms: int, fields: frozenset[str]
) -> Route:
    if method == "PATCH" and template == "/channels/:id":
        renames = not fields.isdisjoint({"name", "topic"})
        return Route(method, template, major, sub=RENAME if renames else CHANNEL_EDIT)
    if method == "DELETE" and template == "/channels/:id/messages/:id":
        return Route(method, template, major, variant=_age_class(parts[3], unix_ms))
    if (
        method in {"PUT", "DELETE"}
        and len(parts) == 7
        and template.startswith("/channels/:id/messages/:id/reactions/")
    ):
        return Route("PUT+DELETE", "/channels/:id/messages/:id/reactions/:emoji/:user", major)
    return Route(method, template, major)


def _age_class(message: str, unix_ms: int) -> str:
    """Return which of three buckets, by the message's age, a deletion uses.

    https://github.com/discord/discord-api-docs/issues/1092 and /1295
    """
    if not message.isdecimal() or len(message) > SNOWFLAKE_DIGITS:
        return ""
    age = unix_ms - created_at_ms(int(message))
    if age > TWO_WEEKS_MS:
        return "older than two weeks"
    return "younger than ten seconds" if age < JUST_NOW_MS else ""
