"""What people of the sandbox can do, as calls."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nescord_core.payloads import Message
from nescord_core.testing.calls import Call, Response, as_message, given, given_files
from nescord_core.testing.line import Line
from nescord_core.testing.place_calls import Place, next_message

__all__ = ["Person"]

File = tuple[str, bytes]


class Person:
    """A user. ``home`` is the channel where commands are used unless another one is given."""

    def __init__(self, line: Line, id: str, name: str, home: Place | None = None) -> None:  # noqa: A002 - Discord's name
        self.line = line
        self.id = id
        self.name = name
        self.home = home

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self.name} {self.id}>"

    @property
    def mention(self) -> str:
        """The text that mentions the user."""
        return f"<@{self.id}>"

    def say_call(
        self,
        channel: Place,
        content: str = "",
        *,
        files: Sequence[File] = (),
        reply_to: Message | None = None,
    ) -> Call[Message]:
        """Send a message; ``files`` are pairs of name and bytes."""
        body: dict[str, Any] = {"content": content, "files": given_files(files)}
        if reply_to is not None:
            body["reply_to"] = str(reply_to.id)
        return self._act("say", channel.id, body, as_message)

    def upload_call(self, channel: Place, *files: File, content: str = "") -> Call[Message]:
        """Send files: ``upload(channel, ("a.txt", b"hello"))``."""
        return self.say_call(channel, content, files=files)

    def dm_call(self, content: str, *, files: Sequence[File] = ()) -> Call[Message]:
        """Send the bot a direct message."""
        body = {"user": self.id, "content": content, "files": given_files(files)}
        return Call("POST", "/dm", body, as_message, channel_id=f"dm {self.id}")

    def next_dm_call(
        self, content: str | None = None, *, matching: str | None = None, timeout: float | None = None
    ) -> Call[Message]:
        """Wait for the bot's next direct message to this user, as `Channel.next` does."""
        where = {"user": self.id}
        return next_message(self.line, f"dm {self.id}", where, content, matching, None, None, timeout)

    def edit_call(self, message: Message, content: str) -> Call[Message]:
        """Edit a message of this user."""
        return self._on(message, "edit", {"content": content}, as_message)

    def delete_call(self, message: Message) -> Call[None]:
        """Delete a message, one's own or as a moderator."""
        return self._on(message, "delete", {}, _nothing)

    def react_call(self, message: Message, emoji: str) -> Call[None]:
        """Add a reaction: a unicode emoji, or ``name:id``."""
        return self._on(message, "react", {"emoji": emoji}, _nothing)

    def unreact_call(self, message: Message, emoji: str) -> Call[None]:
        """Remove one's own reaction."""
        return self._on(message, "unreact", {"emoji": emoji}, _nothing)

    def vote_call(self, message: Message, *answers: int) -> Call[None]:
        """Vote in a poll, by the ids of the answers; none removes the votes."""
        return self._on(message, "vote", {"answers": list(answers)}, _nothing)

    def slash_call(self, name: str, channel: Place | None = None, /, **options: Any) -> Call[Response]:
        """Use a slash command (``"name group sub"``) and return how the bot responds.

        Options are plain values, users, channels, roles, or a file as a pair of name and bytes.
        """
        values = {key: _option(value) for key, value in options.items()}
        place = self._place(channel)
        body = {"command": name, "options": values, "wait": self.line.timeout}
        return self._act(
            "interact",
            place.id,
            body,
            Response,
            may_be_new=_root(name),
            guild_id=place.guild_id,
        )

    def menu_call(self, name: str, target: Person | Message, channel: Place | None = None) -> Call[Response]:
        """Use a command of the menu of a user or of a message."""
        is_message = isinstance(target, Message)
        place_id = str(target.channel_id) if isinstance(target, Message) else self._place(channel).id
        body = {"command": name, "target": str(target.id), "wait": self.line.timeout}
        guild_id = "" if is_message else self._place(channel).guild_id
        return self._act("interact", place_id, body, Response, may_be_new=name, guild_id=guild_id)

    def complete_call(
        self, name: str, option: str, value: str, channel: Place | None = None, /, **options: Any
    ) -> Call[dict[str, Any]]:
        """Ask for the choices of an option with autocomplete: values by name."""
        values = {key: _option(each) for key, each in options.items()}
        place = self._place(channel)
        body = {"command": name, "option": option, "value": value, "options": values}
        return self._act(
            "autocomplete",
            place.id,
            {**body, "wait": self.line.timeout},
            _choices,
            may_be_new=_root(name),
            guild_id=place.guild_id,
        )

    def click_call(
        self, message: Message | Response, label: str | None = None, *, custom_id: str | None = None
    ) -> Call[Response]:
        """Click a button, by its label or custom id; with neither, the only one."""
        named = {"label": label, "custom_id": custom_id}
        body = {key: value for key, value in named.items() if value is not None}
        return self._on(message, "click", {**body, "wait": self.line.timeout}, Response)

    def choose_call(
        self, message: Message | Response, *values: Any, custom_id: str | None = None
    ) -> Call[Response]:
        """Choose from a select menu: values of its options, or users, roles and channels."""
        body = {"values": given(values), "wait": self.line.timeout}
        if custom_id is not None:
            body["custom_id"] = custom_id
        return self._on(message, "select", body, Response)

    def submit_call(
        self, opened: Response, fields: Mapping[str, Any] | None = None, /, **values: Any
    ) -> Call[Response]:
        """Submit the form that the bot has opened, with values by custom id.

        ``fields`` is for custom ids that are no Python names. A file upload takes a list of pairs of name and
        bytes.
        """
        filled = {key: _field(value) for key, value in {**(fields or {}), **values}.items()}
        body = {"interaction": opened.id, "values": filled, "wait": self.line.timeout}
        return self._post("modal", body, Response, patience=self.line.timeout)

    def type_call(self, channel: Place) -> Call[None]:
        """Show the user as typing."""
        return self._act("typing", channel.id, {}, _nothing)

    def join_call(self, guild: Any) -> Call[None]:
        """Join a guild."""
        return self._post("join", {"guild": guild.id}, _nothing)

    def leave_call(self, guild: Any) -> Call[None]:
        """Leave a guild."""
        return self._post("leave", {"guild": guild.id}, _nothing)

    def voice_call(self, channel: Place | None, guild: Any = None) -> Call[None]:
        """Connect to a voice channel; None disconnects from the voice channel of ``guild``."""
        where = {"channel": None, "guild": guild.id} if channel is None else {"channel": channel.id}
        return self._post("voice", where, _nothing)

    def _place(self, channel: Place | None) -> Place:
        place = channel or self.home
        if place is None:
            raise ValueError(f"{self.name} is in no channel: pass one")
        return place

    def _post(self, action: str, body: Mapping[str, Any], parse: Any, **more: Any) -> Call[Any]:
        return Call("POST", f"/{action}", {"user": self.id, **body}, parse, **more)

    def _act(
        self, action: str, channel_id: str, body: Mapping[str, Any], parse: Any, **more: Any
    ) -> Call[Any]:
        patience = float(body.get("wait", 0))
        placed = {"channel": channel_id, **body}
        return self._post(action, placed, parse, channel_id=channel_id, patience=patience, **more)

    def _on(self, target: Message | Response, action: str, body: Mapping[str, Any], parse: Any) -> Call[Any]:
        message = target.message if isinstance(target, Response) else target
        return self._act(action, str(message.channel_id), {"message": str(message.id), **body}, parse)


def _root(command: str) -> str:
    return command.removeprefix("/").split(maxsplit=1)[0]


def _nothing(_answer: Any) -> None:
    return None


def _choices(answer: Any) -> dict[str, Any]:
    return Response(answer).choices


def _is_file(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and isinstance(value[1], bytes | bytearray)


def _option(value: Any) -> Any:
    return given_files([value])[0] if _is_file(value) else given(value)


def _field(value: Any) -> Any:
    return given_files(value) if isinstance(value, list) and all(map(_is_file, value)) else given(value)
