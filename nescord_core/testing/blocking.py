"""The test kit for ordinary tests: each call returns its result."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nescord_core.testing.calls import Call
from nescord_core.testing.line import blocking
from nescord_core.testing.people_calls import Person
from nescord_core.testing.place_calls import Community, Place
from nescord_core.testing.sandbox_calls import Stage

__all__ = ["Channel", "Guild", "Sandbox", "User"]


class Channel(Place):
    """A channel or a thread."""

    next = blocking(Place.next_call)
    messages = blocking(Place.messages_call)
    message = blocking(Place.message_call)


class User(Person):
    """A user of the sandbox, who acts as people do."""

    send = blocking(Person.say_call)
    upload = blocking(Person.upload_call)
    dm = blocking(Person.dm_call)
    next_dm = blocking(Person.next_dm_call)
    edit = blocking(Person.edit_call)
    delete = blocking(Person.delete_call)
    react = blocking(Person.react_call)
    unreact = blocking(Person.unreact_call)
    vote = blocking(Person.vote_call)
    slash = blocking(Person.slash_call)
    menu = blocking(Person.menu_call)
    complete = blocking(Person.complete_call)
    click = blocking(Person.click_call)
    choose = blocking(Person.choose_call)
    submit = blocking(Person.submit_call)
    type = blocking(Person.type_call)
    join = blocking(Person.join_call)
    leave = blocking(Person.leave_call)
    voice = blocking(Person.voice_call)


class Guild(Community):
    """A guild with the bot in it."""

    create_role = blocking(Community.create_role_call)
    give_role = blocking(Community.give_role_call)
    take_role = blocking(Community.take_role_call)

    def channel(self, name: str) -> Channel:
        """Return a channel by its name. Raises KeyError."""
        return Channel(self.line, self.channel_ids[name], name, self.id)

    def create_channel(self, name: str, kind: str = "text", **fields: Any) -> Channel:
        """Create a channel: text, voice, category, announcement, stage or forum."""
        body = {"guild": self.id, "name": name, "kind": kind, **fields}
        self.line.blocking(Call("POST", "/channels", body, self.made_channel))
        return self.channel(name)


class Sandbox(Stage):
    """The sandbox, as one test sees it."""

    control = blocking(Stage.control_call)
    advance = blocking(Stage.advance_call)
    fault = blocking(Stage.fault_call)
    clear_faults = blocking(Stage.clear_faults_call)

    def owner(self) -> User:
        """Return olivia, who owns the bot: the same user in every test."""
        return User(self.line, self.line.blocking(self.owner_call()), "olivia")

    def user(self, name: str, *, bot: bool = False, home: Channel | None = None) -> User:
        """Create a user, who is in no guild yet; ``home`` is where it uses commands."""
        made = self.line.blocking(self.user_call(name, bot=bot))
        return User(self.line, str(made["id"]), name, home)

    def guild(self, name: str, *, owner: User, members: Sequence[User] = ()) -> Guild:
        """Create a guild with the bot in it, and the channels #general, #random and Lounge."""
        ids = [each.id for each in members]
        return Guild(self.line, self.line.blocking(self.guild_call(name, owner.id, ids)))
