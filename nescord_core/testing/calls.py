"""Calls of the sandbox's control API as plain data, and what comes of their answers. No I/O.

`nescord_core.testing.line` makes the calls, blocking or awaited.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from nescord_core.errors import NescordError
from nescord_core.payloads import Message

__all__ = [
    "Call",
    "NoMessage",
    "Refused",
    "Response",
    "as_base64",
    "as_message",
    "encoded",
    "given",
    "given_files",
]

T = TypeVar("T")
REQUEST_TIMEOUT = 408


class NoMessage(AssertionError):
    """No message arrived that a test has waited for; the text names those that did."""


class Refused(NescordError):
    """The sandbox has refused an action, as Discord or its client would; the text says why."""


@dataclass(frozen=True)
class Call(Generic[T]):
    """One call: ``parse`` makes its result of the answer's JSON.

    ``channel_id`` is the channel in which it happens: the bot's next message there is one that follows.
    ``may_be_new`` names an application command, which a bot that has just started may not have registered
    yet in ``guild_id``.
    """

    method: str
    path: str
    body: Mapping[str, Any] | None
    parse: Callable[[Any], T]
    channel_id: str = ""
    may_be_new: str = ""
    guild_id: str = ""
    patience: float = 0.0
    """Seconds that the sandbox may take by itself, because the call waits for the bot."""

    def result(self, status: int, answer: Any) -> T:
        """Return the result. Raises Refused, or NoMessage after a wait in vain."""
        if status == REQUEST_TIMEOUT:
            seen = "\n".join(f"  {each['author']}: {each['content']}" for each in answer.get("seen", ()))
            raise NoMessage(answer["error"] + (f" Instead:\n{seen}" if seen else ""))
        if status >= 400:
            raise Refused(str(answer.get("error", answer)))
        return self.parse(answer)


@dataclass(frozen=True)
class Response:
    """How the bot has responded to an interaction: ``raw`` is the outcome as the control API describes it."""

    raw: Mapping[str, Any] = field(repr=False)

    @property
    def id(self) -> str:
        """The interaction's id."""
        return str(self.raw["id"])

    @property
    def responded(self) -> bool:
        """Whether the bot has responded in time."""
        return bool(self.raw["responded"])

    @property
    def deferred(self) -> bool:
        """Whether the bot has deferred its response, and not followed it up yet."""
        return bool(self.raw["deferred"])

    @property
    def ephemeral(self) -> bool:
        """Whether only the user sees the response."""
        return bool(self.raw["ephemeral"])

    @property
    def message(self) -> Message:
        """The message of the response. Raises AssertionError if there is none."""
        if self.raw["message"] is None:
            raise AssertionError(f"the bot's response has no message: {_outline(self.raw)}")
        return as_message(self.raw["message"])

    @property
    def content(self) -> str:
        """The text of the response's message. Raises AssertionError if there is none."""
        return self.message.content or ""

    @property
    def modal(self) -> Mapping[str, Any]:
        """The form that the bot has opened. Raises AssertionError if there is none."""
        if self.raw["modal"] is None:
            raise AssertionError(f"the bot's response opens no form: {_outline(self.raw)}")
        form: Mapping[str, Any] = self.raw["modal"]
        return form

    @property
    def choices(self) -> dict[str, Any]:
        """The choices of an autocomplete: values by name."""
        return {each["name"]: each["value"] for each in self.raw["choices"] or ()}


def _outline(raw: Mapping[str, Any]) -> str:
    facts = {key: raw[key] for key in ("responded", "deferred", "ephemeral", "kind")}
    return ", ".join(f"{key} {value}" for key, value in facts.items())


def as_message(payload: Any) -> Message:
    """Return a message of the bot or of a user as the typed view that the bot's own handlers get."""
    return Message(payload)


def encoded(body: Mapping[str, Any] | None) -> bytes | None:
    """Return a body as JSON, with bytes as base64."""
    return None if body is None else json.dumps(body, default=as_base64).encode()


def as_base64(value: object) -> str:
    """Return bytes as base64; for `json.dumps`."""
    if isinstance(value, bytes | bytearray):
        return base64.b64encode(value).decode()
    raise TypeError(f"{value!r} cannot be sent to the sandbox as JSON")


def given(value: Any) -> Any:
    """Return the value of an option or a field as JSON: objects with an id become the id."""
    if isinstance(value, list | tuple):
        return [given(each) for each in value]
    identity = getattr(value, "id", None)
    return value if identity is None else str(identity)


def given_files(files: Iterable[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
    """Return files as the control API takes them."""
    return [(name, bytes(data)) for name, data in files]
