"""Messages and threads of the model, where simcord differs from Discord or does less.

System messages, threads started from a message, auto moderation, polls that end, a limit on stored messages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.errors import BackendError
from simcord.backend.models import AutoModRule, Channel, Message, Poll
from simcord.backend.permissions import flag as permission_flag
from simcord.enums import MessageType

from nescord_core.sandbox.world.attachments import (
    link_components,
    link_embeds,
    shown_embeds,
    used_attachments,
)
from nescord_core.sandbox.world.automod import ALERT, BLOCK, TIMEOUT, Match, find_match
from nescord_core.sandbox.world.simcord.files import FileStore

__all__ = ["MESSAGES_PER_CHANNEL", "MessageModel", "show_attachments", "show_snapshot", "show_thread"]

MESSAGES_PER_CHANNEL = 10_000
COMPONENT = 3
HAS_THREAD = 1 << 5
TYPES_WITH_CONTENT = frozenset(
    {MessageType.CHANNEL_NAME_CHANGE, MessageType.CHANNEL_FOLLOW_ADD, MessageType.THREAD_CREATED}
    | {MessageType.STAGE_START, MessageType.STAGE_END, MessageType.STAGE_TOPIC}
)
"""System messages with content; clients write the text of the others themselves."""
TYPES_WITH_OWN_EMBEDS = frozenset({MessageType.AUTO_MODERATION_ACTION, MessageType.POLL_RESULT})
"""System messages whose embed has a type of its own."""
UNMODERATED_PERMISSIONS = permission_flag("administrator") | permission_flag("manage_guild")
"""Members with one of these permissions are not moderated."""

Serialize = Callable[..., Any]


def show_thread(serialize: Serialize) -> Serialize:
    """Wrap the serializer of messages to add the thread that was started from the message
    (https://discord.com/developers/docs/resources/message#message-object).
    """

    def serialize_with_thread(backend: Any, message: Message, **options: Any) -> Any:
        payload = serialize(backend, message, **options)
        thread = backend.channels.get(message.id)
        if thread is None or not thread.is_thread or thread.parent_id != message.channel_id:
            return payload
        thread_payload = dict(serializers.thread_payload(backend, thread))
        return {**payload, "thread": thread_payload, "flags": payload["flags"] | HAS_THREAD}

    return serialize_with_thread


def show_attachments(serialize: Serialize) -> Serialize:
    """Wrap the serializer of messages to leave out the attachments that embeds or components show."""

    def serialize_attachments(backend: Any, message: Message, **options: Any) -> Any:
        return _with_shown_attachments(serialize(backend, message, **options))

    return serialize_attachments


def show_snapshot(serialize: Serialize) -> Serialize:
    """Wrap the serializer of forwarded messages in the same way."""

    def serialize_snapshot(backend: Any, message: Message) -> Any:
        snapshot = serialize(backend, message)
        return {**snapshot, "message": _with_shown_attachments(snapshot["message"])}

    return serialize_snapshot


def _with_shown_attachments(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    embeds, attachments = payload["embeds"], payload["attachments"]
    if not embeds and not attachments:
        return payload
    used = used_attachments(embeds, payload["components"])
    listed = [each for each in attachments if each["id"] not in used]
    return {**payload, "embeds": shown_embeds(embeds), "attachments": listed}


class MessageModel(Backend):
    """The model's messages, threads and auto moderation."""

    files: FileStore

    def __init__(self, clock: Clock) -> None:
        self.messages_per_channel = MESSAGES_PER_CHANNEL
        self.modal_origins: dict[int, int] = {}
        self._planned_ids: Iterator[int] = iter(())
        self._open_polls: dict[int, Message] = {}
        self._announced_polls: set[int] = set()
        self._deleted_thread: int | None = None
        self._thread_options: Mapping[str, Any] = {}
        super().__init__(clock=clock)

    # Messages

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
        if message.type not in TYPES_WITH_OWN_EMBEDS:
            message.embeds = link_embeds(message.embeds, message.attachments, self.files.facts)
        link_components(message.components, message.attachments, self.files.facts)
        if message.system_metadata is None:
            self.reopen_thread(self.get_channel(message.channel_id))
        if message.is_ephemeral:
            message.attachments = [{**each, "ephemeral": True} for each in message.attachments]
        stored = super().commit_message(message, broadcast=broadcast)
        if message.poll is not None:
            self._open_polls[message.id] = message
        messages = self.messages.get(message.channel_id, {})
        while len(messages) > self.messages_per_channel:
            del messages[next(iter(messages))]
        return stored

    def edit_message(self, channel_id: int, message_id: int, fields: dict[str, Any]) -> Message:
        """Edit a message; references to attachments are to those that it has after the edit."""
        attachments = fields.get("attachments", self.get_message(channel_id, message_id).attachments) or []
        if fields.get("embeds"):
            fields = {**fields, "embeds": link_embeds(fields["embeds"], attachments, self.files.facts)}
        link_components(fields.get("components") or (), attachments, self.files.facts)
        return super().edit_message(channel_id, message_id, fields)

    def prepare_message(
        self, *args: Any, interaction_metadata: Mapping[str, Any] | None = None, **fields: Any
    ) -> Message:
        if interaction_metadata is not None:
            fields["interaction_metadata"] = self._with_trigger(interaction_metadata)
        message = super().prepare_message(*args, **fields)
        if fields.get("system_metadata") is not None and message.type not in TYPES_WITH_CONTENT:
            message.content = ""
        return message

    def _with_trigger(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Return metadata with the interaction that led to a component's or a modal's; discord.js reads it.

        https://discord.com/developers/docs/resources/message#message-interaction-metadata-object
        """
        record = self.interactions[int(metadata["id"])]
        trigger = self.interactions.get(self.modal_origins.get(record.id, 0))
        if record.type == COMPONENT and record.source_message_id is not None:
            return {**metadata, "interacted_message_id": str(record.source_message_id)}
        if trigger is None:
            return dict(metadata)
        triggered: dict[str, Any] = {**metadata, "id": str(trigger.id), "type": trigger.type}
        if trigger.command_name is not None:
            triggered |= {"name": trigger.command_name, "command_type": trigger.command_type}
        return {**metadata, "triggering_interaction_metadata": self._with_trigger(triggered)}

    def create_system_message(
        self, channel_id: int, message_type: MessageType, author_id: int, **facts: Any
    ) -> Message:
        """Write a system message, except those that Discord writes elsewhere or not at all."""
        kind, channel = MessageType(message_type), self.get_channel(channel_id)
        started_from = facts.get("referenced_message_id")
        if kind is MessageType.THREAD_CREATED and started_from is not None:
            return self._start_thread(channel_id, facts["target_channel_id"], author_id, started_from)
        if kind is MessageType.CHANNEL_NAME_CHANGE and not channel.is_thread:
            # Only threads and group DMs have such a message.
            return Message(id=0, channel_id=channel_id, author_id=author_id)
        return super().create_system_message(channel_id, kind, author_id, **facts)

    def _start_thread(self, channel_id: int, thread_id: int, author_id: int, started_from: int) -> Message:
        """Announce that a message has a thread, and start the thread with a reference to the message."""
        self.emit("MESSAGE_UPDATE", self._message_payload(self.get_message(channel_id, started_from)))
        return super().create_system_message(
            thread_id,
            MessageType.THREAD_STARTER_MESSAGE,
            author_id,
            referenced_channel_id=channel_id,
            referenced_message_id=started_from,
        )

    def _message_payload(self, message: Message) -> dict[str, Any]:
        return dict(serializers.message_payload(self, message))

    # Threads

    @contextmanager
    def thread_options(self, options: Mapping[str, Any]) -> Iterator[None]:
        """Set rate_limit_per_user and invitable of the thread that is created within the block."""
        self._thread_options = options
        try:
            yield
        finally:
            self._thread_options = {}

    def announce_thread_create(self, thread: Channel) -> None:
        options = self._thread_options
        thread.rate_limit_per_user = options.get("rate_limit_per_user", thread.rate_limit_per_user)
        if thread.thread_metadata is not None:
            thread.thread_metadata.invitable = options.get("invitable", True)
        super().announce_thread_create(thread)

    def create_forum_post(
        self, forum_id: int, name: str, starter: Message, **options: Any
    ) -> tuple[Channel, Message]:
        # A post's first message has the id of its thread
        # (https://discord.com/developers/docs/topics/threads#forums); the thread's id is made first.
        self._planned_ids = iter((starter.id,))
        try:
            return super().create_forum_post(forum_id, name, starter, **options)
        finally:
            self._planned_ids = iter(())

    def reopen_thread(self, thread: Channel) -> None:
        """Unarchive a thread in which somebody writes, unless a moderator has locked it
        (https://discord.com/developers/docs/topics/threads#active-&-archived-threads).
        """
        metadata = thread.thread_metadata
        if metadata is None or not metadata.archived:
            return
        if metadata.locked:
            raise BackendError(400, 50083, "Thread is archived")
        metadata.archived, metadata.archive_timestamp = False, self.now_iso()
        self.announce_channel_update(thread.id)

    def _is_thread(self, channel_id: int | None) -> bool:
        channel = self.channels.get(channel_id or 0)
        return channel_id == self._deleted_thread if channel is None else channel.is_thread

    def delete_channel(self, channel_id: int) -> None:
        channel = self.channels.get(channel_id)
        self._deleted_thread = channel_id if channel is not None and channel.is_thread else None
        super().delete_channel(channel_id)

    # Auto moderation

    def _auto_mod_blocks(self, channel: Channel, author_id: int, content: str) -> bool:
        """Run the actions of each rule that matches a text; returns whether the message is blocked.

        Bots, and members who manage the guild, are not moderated.
        """
        guild = self.guilds.get(channel.guild_id or 0)
        if guild is None or not guild.auto_mod_rules or not content or self.get_user(author_id).bot:
            return False
        if (
            author_id == guild.owner_id
            or self.compute_permissions(guild.id, author_id) & UNMODERATED_PERMISSIONS
        ):
            return False
        blocked = False
        for rule in list(guild.auto_mod_rules.values()):
            if not rule.enabled or self._exempt(rule, channel, author_id):
                continue
            caught = find_match(rule.trigger_type, rule.trigger_metadata, content)
            for action in rule.actions if caught is not None else ():
                self._run_action(rule, channel, author_id, content, caught or Match(None, None), action)
                blocked = blocked or action["type"] == BLOCK
        return blocked

    def _exempt(self, rule: AutoModRule, channel: Channel, author_id: int) -> bool:
        member = self.guilds[rule.guild_id].members.get(author_id)
        roles = set() if member is None else set(member.role_ids)
        return bool({channel.id, channel.parent_id} & set(rule.exempt_channels)) or bool(
            roles & set(rule.exempt_roles)
        )

    def _run_action(
        self,
        rule: AutoModRule,
        channel: Channel,
        author_id: int,
        content: str,
        caught: Match,
        action: Mapping[str, Any],
    ) -> None:
        payload: dict[str, Any] = {
            "guild_id": str(rule.guild_id),
            "action": dict(action),
            "rule_id": str(rule.id),
            "rule_trigger_type": rule.trigger_type,
            "user_id": str(author_id),
            "channel_id": str(channel.id),
            "content": content,
            "matched_keyword": caught.keyword,
            "matched_content": caught.content,
        }
        metadata = action.get("metadata") or {}
        if (
            action["type"] == ALERT
            and (alert := self._send_alert(rule, author_id, content, metadata)) is not None
        ):
            payload["alert_system_message_id"] = str(alert.id)
        if action["type"] == TIMEOUT:
            self._time_out(rule.guild_id, author_id, int(metadata.get("duration_seconds") or 60))
        self.emit("AUTO_MODERATION_ACTION_EXECUTION", payload)

    def _send_alert(
        self, rule: AutoModRule, author_id: int, content: str, metadata: Mapping[str, Any]
    ) -> Message | None:
        """Write the text into the channel for alerts."""
        channel = self.channels.get(int(metadata.get("channel_id") or 0))
        if channel is None or channel.guild_id != rule.guild_id:
            return None
        embed = {"type": "auto_moderation_message", "description": content, "title": rule.name}
        message = super().prepare_message(channel.id, author_id, "", embeds=[embed])
        message.type = int(MessageType.AUTO_MODERATION_ACTION)
        return super().commit_message(message)

    def _time_out(self, guild_id: int, user_id: int, seconds: int) -> None:
        until = (self.clock.now() + timedelta(seconds=seconds)).isoformat()
        self.edit_member(guild_id, user_id, {"timed_out_until": until})

    # Polls

    def expire_poll(self, channel_id: int, message_id: int) -> Message:
        """End a poll, and send its result as a message (type 46)."""
        ended = super().expire_poll(channel_id, message_id)
        if ended.poll is not None and ended.id not in self._announced_polls:
            self._announced_polls.add(ended.id)
            self._announce_poll_result(ended, ended.poll)
        return ended

    def _announce_poll_result(self, ended: Message, poll: Poll) -> None:
        votes = {each.answer_id: len(poll.votes.get(each.answer_id, ())) for each in poll.answers}
        most, total = max(votes.values(), default=0), sum(votes.values())
        victors = [each for each in poll.answers if votes[each.answer_id] == most]
        facts = {
            "poll_question_text": poll.question,
            "victor_answer_votes": str(most),
            "total_votes": str(total),
        }
        if total and len(victors) == 1:
            facts |= {
                "victor_answer_id": str(victors[0].answer_id),
                "victor_answer_text": victors[0].text or "",
            }
        fields = [{"name": name, "value": value, "inline": False} for name, value in facts.items()]
        embed = {"type": "poll_result", "fields": fields}
        result = super().prepare_message(ended.channel_id, ended.author_id, "", embeds=[embed])
        result.type = int(MessageType.POLL_RESULT)
        result.reference = {"type": 0, "channel_id": str(ended.channel_id), "message_id": str(ended.id)}
        self.commit_message(result)

    def note_poll(self, message: Message) -> None:
        """Note a poll that was there before: it ends in time, and is not announced twice."""
        if message.poll is not None and message.poll.finalized:
            self._announced_polls.add(message.id)
        else:
            self._open_polls[message.id] = message

    def settle(self) -> None:
        """End polls, and start and end scheduled events and entitlements that are due."""
        now = self.now_iso()
        for message in list(self._open_polls.values()):
            deleted = message.id not in self.messages.get(message.channel_id, {})
            if deleted or message.poll is None or message.poll.expiry <= now:
                del self._open_polls[message.id]
            if not deleted and message.poll is not None and message.poll.expiry <= now:
                self.expire_poll(message.channel_id, message.id)
        self.activate_due_scheduled_events()
        self.process_entitlement_deadlines()
