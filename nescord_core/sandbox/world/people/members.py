"""Actions of members, checked as Discord checks them: messages, reactions, voice, threads, membership."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any

from nescord_core.sandbox.world.lookup import ActionError, Lookup, Ref
from nescord_core.sandbox.world.simcord.model import (
    BackendError,
    Channel,
    Message,
    SetupError,
    User,
    channel_accessible,
    reaction_permissions,
    serializers,
)

__all__ = ["MAX_FILE", "MemberActions", "as_action_error", "newest_messages"]

Payload = dict[str, Any]
DM = 1
FORUMS = (15, 16)
THREADED = (0, 5)
MAX_FILES = 10
MAX_FILE = 25 << 20
"""Bytes of a file: the ``attachment_size_limit`` of an interaction, for a guild without boosts."""
PUBLIC_THREAD, PRIVATE_THREAD = 11, 12


@contextmanager
def as_action_error() -> Iterator[None]:
    """Raise the model's refusals as `ActionError`, which the control API and the page show."""
    try:
        yield
    except BackendError as error:
        raise ActionError(
            f"Discord refuses that: {error.message}.", status=error.status, code=error.code
        ) from error
    except SetupError as error:
        raise ActionError(str(error)) from error


class MemberActions(Lookup):
    """Actions of members."""

    def message(self, message: Message) -> Payload:
        """Return a message as MESSAGE_CREATE shows it, without the member."""
        return dict(serializers.message_payload(self.model, message))

    def say(
        self,
        channel: Ref,
        user: Ref,
        content: str = "",
        *,
        guild: Ref | None = None,
        reply_to: Ref | None = None,
        files: Sequence[tuple[str, bytes]] = (),
        nonce: str | None = None,
    ) -> Payload:
        """Send a message as a user; ``files`` are (name, bytes)."""
        place, author = self.find_channel(channel, guild), self.find_user(user)
        if not content and not files:
            raise ActionError("A message needs content or a file.")
        if len(content) > 2000:
            raise ActionError(f"A message has at most 2000 characters; this one has {len(content)}.")
        _check_files(files)
        with as_action_error():
            self._check_can_send(place, author)
            reference = None
            if reply_to is not None:
                replied_to = {"message_id": str(self.find_message(place.id, reply_to).id)}
                reference = self.model.normalize_message_reference(place.id, replied_to)
            attachments = self.model.store_attachments(place.id, files)
            message = self.model.create_message(
                place.id, author.id, content, reference=reference, attachments=attachments
            )
        if message.id not in self.model.messages[place.id]:
            raise ActionError("Auto moderation has blocked this message.", status=400, code=200000)
        payload = self.message(message)
        return payload if nonce is None else {**payload, "nonce": nonce}

    def dm(self, user: Ref, content: str, *, files: Sequence[tuple[str, bytes]] = ()) -> Payload:
        """Send the bot a direct message."""
        return self.say(self.dm_channel(user), user, content, files=files)

    def dm_channel(self, user: Ref) -> int:
        """Return the id of the channel of a user's direct messages, which exists from the first use on."""
        return self.model.get_dm_channel(self.find_user(user).id).id

    def edit(self, channel: Ref, message: Ref, content: str, *, user: Ref | None = None) -> Payload:
        """Edit a message as its author; ``user``, if given, must be the author."""
        stored = self.find_message(channel, message)
        if user is not None and self.find_user(user).id != stored.author_id:
            raise ActionError("Users can only edit their own messages.", status=403, code=50005)
        self._require_active(self.find_channel(stored.channel_id))
        with as_action_error():
            return self.message(self.model.edit_message(stored.channel_id, stored.id, {"content": content}))

    def delete(self, channel: Ref, message: Ref, *, user: Ref | None = None) -> None:
        """Delete a message as its author, or as ``user`` with the permission for it."""
        stored = self.find_message(channel, message)
        actor = stored.author_id if user is None else self.find_user(user).id
        with as_action_error():
            if actor != stored.author_id:
                self._require(self.find_channel(stored.channel_id), actor, "manage_messages")
            self.model.delete_message(stored.channel_id, stored.id)

    def react(self, channel: Ref, message: Ref, user: Ref, emoji: str) -> None:
        """Add a reaction: a unicode emoji, or ``name:id`` of a custom one."""
        self._reaction(channel, message, user, emoji, reacted=True)

    def unreact(self, channel: Ref, message: Ref, user: Ref, emoji: str) -> None:
        """Remove a user's own reaction."""
        self._reaction(channel, message, user, emoji, reacted=False)

    def _reaction(self, channel: Ref, message: Ref, user: Ref, emoji: str, *, reacted: bool) -> None:
        stored, actor = self.find_message(channel, message), self.find_user(user)
        self._require_active(self.find_channel(stored.channel_id))
        with as_action_error():
            needed = reaction_permissions(stored, emoji, reacted=reacted)
            self._require(self.find_channel(stored.channel_id), actor.id, *needed)
            self.model.set_reaction(stored.channel_id, stored.id, emoji, actor.id, reacted)

    def pin(self, channel: Ref, message: Ref, user: Ref, *, pinned: bool = True) -> None:
        """Pin or unpin a message as a user with the permission for it."""
        stored, actor = self.find_message(channel, message), self.find_user(user)
        self._require_active(self.find_channel(stored.channel_id))
        with as_action_error():
            self._require(self.find_channel(stored.channel_id), actor.id, "manage_messages")
            self.model.set_pinned(stored.channel_id, stored.id, pinned, actor_id=actor.id)

    def vote(self, channel: Ref, message: Ref, user: Ref, answers: Sequence[int]) -> None:
        """Set a user's votes in a poll, as answer ids; an empty list removes them."""
        stored, actor = self.find_message(channel, message), self.find_user(user)
        with as_action_error():
            self._require(self.find_channel(stored.channel_id), actor.id)
            self.model.set_poll_votes(stored.channel_id, stored.id, list(answers), actor.id)

    def typing(self, channel: Ref, user: Ref, *, guild: Ref | None = None) -> None:
        """Show a user as typing."""
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        with as_action_error():
            self._check_can_send(place, actor)
        now = int(self.model.clock.now().timestamp())
        payload: Payload = {"channel_id": str(place.id), "user_id": str(actor.id), "timestamp": now}
        if place.guild_id is not None:
            payload["guild_id"] = str(place.guild_id)
        self.model.emit("TYPING_START", payload)

    def voice_join(
        self,
        channel: Ref,
        user: Ref,
        *,
        guild: Ref | None = None,
        mute: bool = False,
        deaf: bool = False,
    ) -> None:
        """Connect a user to a voice channel (only the state, no sound)."""
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        if place.guild_id is None:
            raise ActionError("Only voice channels of a guild can be joined.")
        with as_action_error():
            self._require(place, actor.id, "connect")
            self.model.set_voice_state(place.guild_id, actor.id, place.id, self_mute=mute, self_deaf=deaf)

    def voice_leave(self, user: Ref, *, guild: Ref | None = None) -> None:
        """Disconnect a user from voice."""
        with as_action_error():
            self.model.set_voice_state(self.find_guild(guild).id, self.find_user(user).id, None)

    # Membership

    def member(self, guild: Ref, user: Ref) -> Payload:
        """Return a member with its user, as the API shows it."""
        place, actor = self.find_guild(guild), self.find_user(user)
        with as_action_error():
            member = self.model.get_member(place.id, actor.id)
            return dict(serializers.member_payload(self.model, place, member))

    def join(self, user: Ref, *, guild: Ref | None = None) -> Payload:
        """Join a guild as a user; an unknown name creates the user."""
        place, actor = self.find_guild(guild), self.find_or_make_user(user)
        if actor.id in place.members:
            raise ActionError(f"{actor.name} is already a member of {place.name}.", status=409)
        if actor.id in place.bans:
            raise ActionError(f"{actor.name} is banned from {place.name}.", status=403, code=40007)
        with as_action_error():
            self.model.add_member(place.id, actor.id, announce=True)
        return self.member(place.id, actor.id)

    def find_or_make_user(self, user: Ref) -> User:
        """Return a user; an unknown name creates one."""
        try:
            return self.find_user(user)
        except ActionError:
            if isinstance(user, int) or user.isdecimal():
                raise
        return self.model.make_user(user.removeprefix("@"))

    def leave(self, user: Ref, *, guild: Ref | None = None) -> None:
        """Leave a guild as a user."""
        with as_action_error():
            self.model.remove_member(self.find_guild(guild).id, self.find_user(user).id)

    def give_role(self, user: Ref, role: Ref, *, guild: Ref | None = None) -> None:
        """Add a role to a member, as the owner."""
        place = self.find_guild(guild)
        with as_action_error():
            self.model.add_member_role(place.id, self.find_user(user).id, self.find_role(role, place.id).id)

    def take_role(self, user: Ref, role: Ref, *, guild: Ref | None = None) -> None:
        """Remove a role from a member, as the owner."""
        place = self.find_guild(guild)
        with as_action_error():
            self.model.remove_member_role(
                place.id, self.find_user(user).id, self.find_role(role, place.id).id
            )

    # Threads and events

    def start_thread(
        self,
        channel: Ref,
        user: Ref,
        name: str,
        *,
        guild: Ref | None = None,
        message: Ref | None = None,
        content: str = "",
        private: bool = False,
    ) -> Payload:
        """Start a thread: on a message, without one, or as a forum post, which needs ``content``."""
        place, actor = self.find_channel(channel, guild), self.find_user(user)
        if place.type in FORUMS and not content:
            raise ActionError(f"A post in #{place.name} needs content.")
        if place.type not in (*FORUMS, *THREADED):
            raise ActionError(f"Threads cannot be started in #{place.name or place.id}.")
        started_from = None if message is None else self.find_message(place.id, message).id
        with as_action_error():
            permission = "create_private_threads" if private else "create_public_threads"
            self._require(place, actor.id, "send_messages" if place.type in FORUMS else permission)
            thread = self._make_thread(place, actor, name, started_from, private=private)
        if content:
            # A post's first message has the id of its thread.
            with self.model.planned_ids(thread.id) if place.type in FORUMS else nullcontext():
                self.say(thread.id, actor.id, content)
        return dict(serializers.thread_payload(self.model, thread))

    def _make_thread(
        self, place: Channel, actor: User, name: str, started_from: int | None, *, private: bool
    ) -> Channel:
        post = place.type in FORUMS  # which no system message announces
        thread = self.model.create_thread(
            place.id,
            name,
            actor.id,
            type=PRIVATE_THREAD if private else PUBLIC_THREAD,
            message_id=started_from,
            broadcast=not post,
        )
        if post:
            self.model.announce_thread_create(thread)
        return thread

    def interested(self, user: Ref, event: Ref, *, guild: Ref | None = None, interested: bool = True) -> None:
        """Mark a user as interested in a scheduled event (a name or id), or as no longer interested."""
        place, actor = self.find_guild(guild), self.find_user(user)
        for each in place.scheduled_events.values():
            if str(event) in (str(each.id), each.name):
                self.model.set_scheduled_event_subscription(place.id, each.id, actor.id, interested)
                return
        known = ", ".join(each.name for each in place.scheduled_events.values()) or "none"
        raise ActionError(f"There is no scheduled event {event!r}. Known: {known}.", status=404)

    # Checks

    def _check_can_send(self, place: Channel, author: User) -> None:
        self._require(place, author.id, "send_messages_in_threads" if place.is_thread else "send_messages")
        if place.type in FORUMS:
            raise ActionError(f"#{place.name} is a forum: start a post with /sandbox/thread.", code=50008)
        if place.thread_metadata is not None and place.thread_metadata.locked:
            self._require(place, author.id, "manage_threads")

    def _require_active(self, place: Channel) -> None:
        if place.thread_metadata is not None and place.thread_metadata.archived:
            raise ActionError(f"The thread {place.name} is archived; a message reopens it.", code=50083)

    def _require(self, place: Channel, user_id: int, *permissions: str) -> None:
        if not channel_accessible(self.model, place.id, user_id):
            name = self.model.users[user_id].name
            raise ActionError(f"{name} cannot see #{place.name or place.id}.", status=403, code=50001)
        self.model.require_permissions(place.guild_id, user_id, place.id, *permissions)


def _check_files(files: Sequence[tuple[str, bytes]]) -> None:
    if len(files) > MAX_FILES:
        raise ActionError(f"A message has at most {MAX_FILES} files; this one has {len(files)}.", code=30015)
    if large := [name for name, data in files if len(data) > MAX_FILE]:
        raise ActionError(f"{large[0]} is larger than {MAX_FILE >> 20} MiB.", status=413, code=40005)


def newest_messages(messages: dict[int, Message], *, after: int, limit: int) -> list[Message]:
    """Return the newest ``limit`` messages after ``after``, oldest first, without reading all of them."""
    found: list[Message] = []
    for message_id in reversed(messages):
        if message_id <= after or len(found) >= limit:
            break
        found.append(messages[message_id])
    return found[::-1]
