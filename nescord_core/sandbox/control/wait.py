"""Waits for a message, usually one of the bot's."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from nescord_core.sandbox.control.json_bodies import read_seconds
from nescord_core.sandbox.world.lookup import ActionError, Ref, id_of
from nescord_core.sandbox.world.world import World

__all__ = ["MessageWait"]

FIELDS = ("channel", "guild", "user", "content", "regex", "author", "after", "timeout")
SPOKEN = frozenset({0, 19, 20, 23})
"""Types of messages that somebody writes, responses to commands included; all others are system messages.

https://discord.com/developers/docs/resources/message#message-object-message-types
"""
MAX_SEEN = 10


@dataclass(frozen=True, slots=True)
class MessageWait:
    """The message that POST /sandbox/wait waits for: by ``author``, in ``channel``, newer than ``after``.

    ``content`` is the whole text, ``regex`` is searched for in it. Without both, any message matches. System
    messages never do.
    """

    channel_id: int
    author_id: str
    content: str | None
    regex: re.Pattern[str] | None
    after: int
    timeout: float

    @classmethod
    def parse(cls, body: Mapping[str, Any], world: World) -> MessageWait:
        """Read the body of the call. Raises ActionError.

        ``author`` is the bot when it is missing or "bot". Without ``after``, only messages from now on match.
        """
        if ("channel" in body) is ("user" in body) or set(body) - set(FIELDS):
            raise ActionError(
                f"wait needs a channel, or a user for direct messages. It takes: {', '.join(FIELDS)}."
            )
        if "user" in body:
            channel_id = world.dm_channel(_id(body["user"]))
        else:
            channel_id = world.find_channel(_id(body["channel"]), body.get("guild")).id
        newest = world.messages(channel_id, limit=1)
        return cls(
            channel_id=channel_id,
            author_id=str(_author(body.get("author"), world)),
            content=body.get("content"),
            regex=_pattern(body.get("regex")),
            after=_after(body["after"]) if "after" in body else int(newest[0]["id"]) if newest else 0,
            timeout=read_seconds(body.get("timeout", 10.0)),
        )

    def find(self, world: World) -> Mapping[str, Any] | None:
        """Return the first message that matches, if there is one yet."""
        for message in world.messages(self.channel_id, after=self.after, limit=1000):
            if message["author"]["id"] != self.author_id or message["type"] not in SPOKEN:
                continue
            if self._matches(message["content"]):
                return message
        return None

    def messages_since(self, world: World) -> list[dict[str, str]]:
        """Return the messages that came instead, for the error."""
        messages = world.messages(self.channel_id, after=self.after, limit=MAX_SEEN)
        return [
            {"id": each["id"], "author": each["author"]["username"], "content": each["content"]}
            for each in messages
        ]

    def timeout_message(self) -> str:
        """Return the error for a wait that timed out."""
        what = f" {self.content!r}" if self.content is not None else ""
        what = f" that matches {self.regex.pattern!r}" if self.regex is not None else what
        return f"No message{what} of user {self.author_id} came within {self.timeout:g} s."

    def _matches(self, text: str) -> bool:
        if self.content is not None and text != self.content:
            return False
        return self.regex is None or self.regex.search(text) is not None


def _id(raw: object) -> Ref:
    if isinstance(raw, bool) or not isinstance(raw, str | int):
        raise ActionError(f"{raw!r} is neither an id nor a name.")
    return raw


def _author(raw: object, world: World) -> Ref:
    if raw in (None, "bot"):
        return str(world.bot_user["id"])
    return world.find_user(_id(raw)).id


def _after(raw: object) -> int:
    number = id_of(_id(raw))
    if number < 0:
        raise ActionError(f"after must be the id of a message, not {raw!r}.")
    return number


def _pattern(raw: object) -> re.Pattern[str] | None:
    if raw is None:
        return None
    try:
        return re.compile(str(raw))
    except re.error as error:
        raise ActionError(f"regex {raw!r} is not a valid regular expression: {error}.") from None
