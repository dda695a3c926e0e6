"""The test kit for asynchronous tests: each call is awaited."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nescord_core.testing.calls import Call
from nescord_core.testing.line import awaited
from nescord_core.testing.people_calls import Person
from nescord_core.testing.place_calls import Community, Place
from nescord_core.testing.sandbox_calls import Stage

__all__ = ["AsyncChannel", "AsyncGuild", "AsyncSandbox", "AsyncUser"]


class AsyncChannel(Place):
    """A channel or a thread."""

    next = awaited(Place.next_call)
    messages = awaited(Place.messages_call)
    message = awaited(Place.message_call)


class AsyncUser(Person):
    """A user of the sandbox, who acts as people do."""

    send = awaited(Person.say_call)
    upload = awaited(Person.upload_call)
    dm = awaited(Person.dm_call)
    next_dm = awaited(Person.next_dm_call)
    edit = awaited(Person.edit_call)
    delete = awaited(Person.delete_call)
    react = awaited(Person.react_call)
    unreact = awaited(Person.unreact_call)
    vote = awaited(Person.vote_call)
    slash = awaited(Person.slash_call)
    menu = awaited(Person.menu_call)
    complete = awaited(Person.complete_call)
    click = awaited(Person.click_call)
    choose = awaited(Person.choose_call)
    submit = awaited(Person.submit_call)
    type = awaited(Person.type_call)
    join = awaited(Person.join_call)
    leave = awaited(Person.leave_call)
    voice = awaited(Person.voice_call)


class AsyncGuild(Community):
    """A guild with the bot in it."""

    create_role = awaited(Community.create_role_call)
    give_role = awaited(Community.give_role_call)
    take_role = awaited(Community.take_role_call)

    def channel(self, name: str) -> AsyncChannel:
        """Return a channel by its name. Raises KeyError."""
        return AsyncChannel(self.line, self.channel_ids[name], name, self.id)

    async def create_channel(self, name: str, kind: str = "text", **fields: Any) -> AsyncChannel:
        """Create a channel: text, voice, category, announcement, stage or forum."""
        body = {"guild": self.id, "name": name, "kind": kind, **fields}
        await self.line.awaiting(Call("POST", "/channels", body, self.made_channel))
        return self.channel(name)


class AsyncSandbox(Stage):
    """The sandbox, as one test sees it."""

    control = awaited(Stage.control_call)
    advance = awaited(Stage.advance_call)
    fault = awaited(Stage.fault_call)
    clear_faults = awaited(Stage.clear_faults_call)

    async def owner(self) -> AsyncUser:
        """Return olivia, who owns the bot: the same user in every test."""
        return AsyncUser(self.line, await self.line.awaiting(self.owner_call()), "olivia")

    async def user(self, name: str, *, bot: bool = False, home: AsyncChannel | None = None) -> AsyncUser:
        """Create a user, who is in no guild yet; ``home`` is where it uses commands."""
        made = await self.line.awaiting(self.user_call(name, bot=bot))
        return AsyncUser(self.line, str(made["id"]), name, home)

    async def guild(self, name: str, *, owner: AsyncUser, members: Sequence[AsyncUser] = ()) -> AsyncGuild:
        """Create a guild with the bot in it, and the channels #general, #random and Lounge."""
        ids = [each.id for each in members]
        return AsyncGuild(self.line, await self.line.awaiting(self.guild_call(name, owner.id, ids)))
