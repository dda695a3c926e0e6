"""Channels and guilds of the sandbox, as calls."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.payloads import Message
from nescord_core.testing.calls import Call, NoMessage, as_message
from nescord_core.testing.line import Line

__all__ = ["Community", "Place", "next_message"]


def next_message(
    line: Line,
    key: str,
    where: Mapping[str, Any],
    content: str | None,
    matching: str | None,
    author: Any,
    after: Message | None,
    timeout: float | None,
) -> Call[Message]:
    """Return the call that waits for the bot's next message; ``key`` stands for the channel in the line."""
    seconds = line.timeout if timeout is None else timeout
    read = line.read_up_to.get(key, 0) if after is None else int(after.id or 0)
    body = {**where, "after": str(read), "timeout": seconds, "content": content, "regex": matching}
    if author is not None:
        body["author"] = str(author.id)

    def parse(answer: Any) -> Message:
        line.read_up_to[key] = max(line.read_up_to.get(key, 0), int(answer["id"]))
        return as_message(answer)

    given = {name: value for name, value in body.items() if value is not None}
    return Call("POST", "/wait", given, parse, patience=seconds)


def _with_id(messages: Any, wanted: str) -> Any:
    for each in messages:
        if each["id"] == wanted:
            return each
    raise NoMessage(f"there is no message {wanted} any more")


class Place:
    """A channel or a thread."""

    def __init__(self, line: Line, id: str, name: str, guild_id: str = "") -> None:  # noqa: A002 - Discord's name
        self.line = line
        self.id = id
        self.name = name
        self.guild_id = guild_id

    def __repr__(self) -> str:
        return f"<{type(self).__name__} #{self.name} {self.id}>"

    @property
    def mention(self) -> str:
        """The text that mentions the channel."""
        return f"<#{self.id}>"

    def next_call(
        self,
        content: str | None = None,
        *,
        matching: str | None = None,
        author: Any = None,
        after: Message | None = None,
        timeout: float | None = None,
    ) -> Call[Message]:
        """Wait for the bot's next message and return it.

        It is the first that follows what a user of the test did last in this channel, and that no earlier
        call has returned; with ``after``, the first that follows that message. ``content`` is its whole text,
        ``matching`` a regular expression that is searched for in it. System messages (pins, threads, boosts)
        are never returned. ``timeout`` is in seconds. Raises NoMessage after it, with the messages that came
        instead.
        """
        where = {"channel": self.id}
        return next_message(self.line, self.id, where, content, matching, author, after, timeout)

    def messages_call(self, limit: int = 50) -> Call[list[Message]]:
        """Return the newest messages, oldest first, ephemeral ones included."""
        path = f"/messages?channel={self.id}&limit={limit}"
        return Call("GET", path, None, lambda answer: [as_message(each) for each in answer])

    def message_call(self, message: Message) -> Call[Message]:
        """Return a message as it is now. Raises NoMessage if it has been deleted."""
        before, wanted = int(message.id or 0) - 1, str(message.id)
        path = f"/messages?channel={self.id}&after={before}&limit=10000"
        return Call("GET", path, None, lambda answer: as_message(_with_id(answer, wanted)))


class Community:
    """A guild."""

    def __init__(self, line: Line, raw: Mapping[str, Any]) -> None:
        self.line = line
        self.id = str(raw["id"])
        self.name = str(raw["name"])
        self.channel_ids = {str(each["name"]): str(each["id"]) for each in raw["channels"]}
        self.role_ids = {str(each["name"]): str(each["id"]) for each in raw["roles"]}

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name!r} {self.id}>"

    def create_role_call(self, name: str, /, **fields: Any) -> Call[str]:
        """Create a role (``permissions``, ``color``, ``hoist``, ``mentionable``) and return its id."""

        def parse(answer: Any) -> str:
            self.role_ids[name] = str(answer["id"])
            return self.role_ids[name]

        return Call("POST", "/roles", {"guild": self.id, "name": name, **fields}, parse)

    def give_role_call(self, user: Any, role: str) -> Call[None]:
        """Give a user a role, by its name or id."""
        return self._role("give_role", user, role)

    def take_role_call(self, user: Any, role: str) -> Call[None]:
        """Take a role from a user, by its name or id."""
        return self._role("take_role", user, role)

    def _role(self, action: str, user: Any, role: str) -> Call[None]:
        body = {"guild": self.id, "user": user.id, "role": self.role_ids.get(role, role)}
        return Call("POST", f"/{action}", body, lambda _answer: None)

    def made_channel(self, answer: Mapping[str, Any]) -> None:
        """Note a channel that has been created."""
        self.channel_ids[str(answer["name"])] = str(answer["id"])
