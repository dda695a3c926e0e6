"""Building blocks of the generated operations: ids, absent arguments, paths and queries."""

from __future__ import annotations

import enum
from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, Protocol, TypeAlias, TypedDict, TypeVar
from urllib.parse import quote

from nescord_core.payloads.base import View
from nescord_core.rest.files import FileLike

__all__ = [
    "UNSET",
    "Call",
    "FileLike",
    "HasToComponents",
    "HasToDict",
    "Id",
    "Json",
    "Maybe",
    "Unset",
    "comma",
    "given",
    "path",
    "query_pairs",
]

T = TypeVar("T")


class Unset(enum.Enum):
    """The type of UNSET, the default of optional arguments, which are not sent; None is sent as null."""

    UNSET = "UNSET"

    def __bool__(self) -> bool:
        return False


UNSET: Final = Unset.UNSET

Maybe: TypeAlias = T | Unset
Id: TypeAlias = int | str


class HasToDict(Protocol):
    """An object that knows its JSON form, such as discord.Embed or discord.AllowedMentions."""

    def to_dict(self) -> Any:
        """Return the JSON object."""


class HasToComponents(Protocol):
    """A set of components, such as a discord.ui.View."""

    def to_components(self) -> Any:
        """Return the list of JSON objects."""


Json: TypeAlias = "Mapping[str, Any] | View | HasToDict"


class Call(TypedDict, total=False):
    """Options that every method takes.

    ``timeout``: seconds for the call, including waits for rate limits and retries. ``priority``: ``"bulk"``
    is queued behind everything else, ``"interaction"`` ahead of it.
    """

    timeout: float
    priority: Literal["interaction", "normal", "bulk"]


def path(template: str, *values: Id) -> str:
    """Fill in a route's template; a value cannot leave its path segment, whatever it contains.

    Raises:
        ValueError: a value is empty, `.` or `..`, and so would change the route.

    """
    segments = []
    for value in values:
        text = str(value)
        if text in ("", ".", ".."):
            raise ValueError(f"{text!r} cannot be part of the path {template}.")
        segments.append(quote(text, safe=":@"))
    return template.format(*segments)


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Drop the arguments that were not passed."""
    return {name: value for name, value in fields.items() if value is not UNSET}


def comma(value: Any) -> Any:
    """Join a list, for queries that take `a,b` instead of a repeated name."""
    if isinstance(value, Iterable) and not isinstance(value, str):
        return ",".join(str(item) for item in value)
    return value


def query_pairs(query: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Encode a query as Discord reads it: `true`/`false`, and lists as a repeated name."""
    pairs: list[tuple[str, str]] = []
    for name, value in given(query).items():
        items = value if isinstance(value, (list, tuple, set, frozenset)) else [value]
        pairs += [(name, _scalar(item)) for item in items if item is not None]
    return pairs


def _scalar(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)
