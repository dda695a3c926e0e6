"""The model of Discord's state, built on simcord.

simcord (https://github.com/SilentHacks/simcord, pinned in setup.cfg) was made for tests of a bot in the same
process. It has the state, permissions, error codes and routes. Here is what a long-running server needs in
addition: a real clock, ids with the real time, limits on what is stored, and files with URLs of this server.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from simcord.backend import serializers
from simcord.backend.access import channel_accessible, reaction_permissions
from simcord.backend.command_access import command_access
from simcord.backend.errors import BackendError, SetupError
from simcord.backend.models import (
    SKU,
    AuditLogEntry,
    Channel,
    Guild,
    Interaction,
    Invite,
    Member,
    Message,
    Overwrite,
    Poll,
    PollAnswer,
    Role,
    ScheduledEvent,
    User,
    Webhook,
)
from simcord.backend.permissions import flag as permission_flag
from simcord.components import walk_components
from simcord.enums import MessageType, OverwriteType
from simcord.http import routes as _routes
from simcord.http.router import _ROUTES, RequestContext, RouteNotImplemented, UnsupportedField
from simcord.http.routes import interactions as _interactions
from simcord.interactions import base_payload, nest_options, validate_option_value, walk_to_subcommand

from nescord_core.sandbox.world.extra_fields import extra_fields_of, show_extra_fields
from nescord_core.sandbox.world.simcord.files import FileStore, RealClock
from nescord_core.sandbox.world.simcord.messages import (
    MessageModel,
    show_attachments,
    show_snapshot,
    show_thread,
)
from nescord_core.settings import SANDBOX_BOT_ID
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = [
    "SKU",
    "BackendError",
    "Channel",
    "Guild",
    "Interaction",
    "Invite",
    "Member",
    "Message",
    "MessageType",
    "ModelRoute",
    "Overwrite",
    "OverwriteType",
    "Poll",
    "PollAnswer",
    "RequestContext",
    "Role",
    "RouteNotImplemented",
    "ScheduledEvent",
    "SetupError",
    "SimcordModel",
    "UnsupportedField",
    "User",
    "Webhook",
    "base_payload",
    "channel_accessible",
    "command_access",
    "model_routes",
    "nest_options",
    "permission_flag",
    "reaction_permissions",
    "serializers",
    "validate_option_value",
    "walk_components",
    "walk_to_subcommand",
]

MAX_INTERACTIONS = 10_000
MAX_AUDIT_ENTRIES = 1_000
TOKEN_BYTES = 51
THREAD_ACTIONS: Mapping[int, int] = {11: 111, 12: 112}
"""Audit log events of threads, by those of channels."""
WORKER_BITS = 1 << 17
"""The worker number in new ids; seeded ids have none, so the two never collide."""

PRIVATE_USER_FIELDS = frozenset({"verified", "mfa_enabled", "locale"})

ModelRoute = Callable[[RequestContext], Any]

for _name in (
    "channel_payload",
    "guild_create_payload",
    "invite_payload",
    "member_payload",
    "role_payload",
    "scheduled_event_payload",
    "stage_instance_payload",
    "thread_payload",
    "user_payload",
    "webhook_payload",
):
    # simcord shows an object within many others; only its serializers see all of them.
    setattr(serializers, _name, show_extra_fields(getattr(serializers, _name)))


def _hide_private_fields(serialize: Callable[[User], Any]) -> Callable[[User], Any]:
    """Wrap the serializer of users to show private fields of the bot's own user only
    (https://discord.com/developers/docs/resources/user#user-object).
    """

    def serialize_public_fields(user: User) -> Any:
        payload = serialize(user)
        if user.id == SANDBOX_BOT_ID:
            return payload
        return {name: value for name, value in payload.items() if name not in PRIVATE_USER_FIELDS}

    return serialize_public_fields


for _name, _wrap in (
    ("message_payload", show_attachments),
    ("message_payload", show_thread),
    ("message_snapshot_payload", show_snapshot),
    ("user_payload", _hide_private_fields),
):
    setattr(serializers, _name, _wrap(getattr(serializers, _name)))


def _whole_body_of_own_webhooks(
    read_body: Callable[[RequestContext], Any],
) -> Callable[[RequestContext], Any]:
    """Wrap what reads the body of a webhook: webhooks of an application can always send components
    (https://discord.com/developers/docs/resources/webhook#execute-webhook).
    """

    def read(ctx: RequestContext) -> Any:
        hook = ctx.backend.webhooks.get(ctx.int_arg("webhook_id"))
        owner = None if hook is None else extra_fields_of(hook).get("application_id")
        return read_body(ctx) if owner is None else (dict(ctx.body()), True)

    return read


# simcord keeps this function to itself, and all routes of webhooks with a token call it.
setattr(  # noqa: B010 - the module does not declare it as replaceable
    _interactions,
    "_incoming_webhook_body",
    _whole_body_of_own_webhooks(_interactions._incoming_webhook_body),
)


class SimcordModel(MessageModel):
    """simcord's backend for a long-running server."""

    def __init__(self, announce: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._announce = announce
        self._muted = False
        self.last_ms = 0
        """The time in the newest id, in milliseconds of Discord's epoch."""
        self._sequence = 0
        self._reaction_author: int | None = None
        self.pending_audit_changes: list[dict[str, Any]] = []
        """Changes of extra fields, for the next entry of an audit log."""
        self.bot_permissions: int | None = None
        """What the bot may do in new guilds; None for everything but Administrator."""
        self._awaited_object: tuple[str, Mapping[str, Any], Mapping[str, Any]] | None = None
        super().__init__(clock=RealClock())
        self.files = FileStore()
        self.cdn = self.files
        # Since 2016, a bot's user has the id of its application. Fixed, because the token contains it.
        self.users.clear()
        self.application_id = self.bot_user.id = SANDBOX_BOT_ID
        self.users[self.bot_user.id] = self.bot_user

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        """Announce an event. simcord stores a transcript of all events; a long-running server must not."""
        if self._awaited_object is not None and event == self._awaited_object[0]:
            payload = self._attach(event, payload)
        if self._reaction_author is not None:
            payload = {**payload, "message_author_id": str(self._reaction_author)}
        if not self._muted:
            self._announce(event, payload)

    def _emit_reaction(self, event: str, message: Message, emoji: str, user_id: int) -> None:
        # Only the added reaction has the author of the message
        # (https://discord.com/developers/docs/events/gateway-events#message-reaction-add).
        self._reaction_author = message.author_id if event == "MESSAGE_REACTION_ADD" else None
        try:
            super()._emit_reaction(event, message, emoji, user_id)
        finally:
            self._reaction_author = None

    @contextmanager
    def attach_extra_fields(
        self, event: str, fields: Mapping[str, Any], attributes: Mapping[str, Any] | None = None
    ) -> Iterator[None]:
        """Store extra fields of the object that is created within the block; its event has them already."""
        self._awaited_object = (event, fields, attributes or {})
        try:
            yield
        finally:
            self._awaited_object = None

    def _attach(self, event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        assert self._awaited_object is not None
        _, fields, attributes = self._awaited_object
        self._awaited_object = None
        thing = self._announced_object(event, payload)
        extra_fields_of(thing).update(fields)
        for name, value in attributes.items():
            setattr(thing, name, value)
        if event == "GUILD_ROLE_CREATE":
            return {**payload, "role": {**payload["role"], **fields}}
        return {**payload, **fields, **attributes}

    def _announced_object(self, event: str, payload: Mapping[str, Any]) -> object:
        """Return the object that an event announces."""
        match event:
            case "CHANNEL_CREATE":
                return self.channels[int(payload["id"])]
            case "INVITE_CREATE":
                return self.invites[payload["code"]]
            case "GUILD_ROLE_CREATE":
                return self.guilds[int(payload["guild_id"])].roles[int(payload["role"]["id"])]
            case _:
                return self.guilds[int(payload["guild_id"])].scheduled_events[int(payload["id"])]

    @contextmanager
    def without_events(self) -> Iterator[None]:
        """Announce nothing within the block, for what is announced as a whole afterwards."""
        self._muted = True
        try:
            yield
        finally:
            self._muted = False

    def snowflake(self) -> int:
        """Return a new id with the current time; ids never decrease, even if the clock does."""
        planned = next(self._planned_ids, None)
        if planned is not None:
            return planned
        now_ms = int(self.clock.now().timestamp() * 1000) - DISCORD_EPOCH_MS
        if now_ms > self.last_ms:
            self.last_ms, self._sequence = now_ms, 0
        else:
            self._sequence += 1
        return (self.last_ms << 22) | WORKER_BITS | (self._sequence & (WORKER_BITS - 1))

    def reserve_id(self, value: int) -> int:
        if not 0 < value < 1 << 64 or value in self.guilds:
            raise SetupError(f"{value} cannot be the id of a new guild: it is out of range or taken")
        return value

    @contextmanager
    def planned_ids(self, first: int) -> Iterator[None]:
        """Make ids from ``first`` upwards within the block: a seeded world always has the same ids."""
        self._planned_ids = iter(range(first, first + WORKER_BITS))
        try:
            yield
        finally:
            self._planned_ids = iter(())

    def remove_member(self, guild_id: int, user_id: int) -> None:
        self.set_voice_state(guild_id, user_id, None)  # simcord leaves them in voice
        super().remove_member(guild_id, user_id)

    def delete_channel(self, channel_id: int) -> None:
        channel = self.channels.get(channel_id)
        if channel is not None and channel.guild_id is not None:
            for state in list(self.guilds[channel.guild_id].voice_states.values()):
                if state.channel_id == channel_id:
                    self.set_voice_state(state.guild_id, state.user_id, None)
        super().delete_channel(channel_id)

    def new_interaction(self, type: int, channel_id: int, user_id: int, guild_id: int | None) -> Interaction:  # noqa: A002 - simcord's name
        record = super().new_interaction(type, channel_id, user_id, guild_id)
        del self.interaction_tokens[record.token]
        record.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.interaction_tokens[record.token] = record.id
        while len(self.interactions) > MAX_INTERACTIONS:
            oldest = self.interactions.pop(next(iter(self.interactions)))
            self.interaction_tokens.pop(oldest.token, None)
            self.modal_origins.pop(oldest.id, None)
        return record

    def create_webhook(self, channel_id: int, name: str, creator_id: int) -> Webhook:
        hook = super().create_webhook(channel_id, name, creator_id)
        del self.webhook_tokens[hook.token]
        hook.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.webhook_tokens[hook.token] = hook.id
        self._emit_webhooks_update(channel_id)
        return hook

    @contextmanager
    def webhook_in(self, hook: Webhook, channel_id: int, *, first_id: int | None = None) -> Iterator[None]:
        """Point a webhook at another channel within the block; its first message gets ``first_id``."""
        home, hook.channel_id = hook.channel_id, channel_id
        self._planned_ids = iter(() if first_id is None else (first_id,))
        try:
            yield
        finally:
            hook.channel_id = home
            self._planned_ids = iter(())

    def record_audit_log(self, guild_id: int, *args: Any, **fields: Any) -> AuditLogEntry:
        # Added and removed roles are changes, not options
        # (https://discord.com/developers/docs/resources/audit-log#audit-log-change-object).
        options = dict(fields.pop("options", None) or {})
        changes = list(fields.pop("changes", None) or [])
        moved = [key for key in ("$add", "$remove") if key in options]
        changes += [{"key": key, "new_value": options.pop(key)} for key in moved]
        changes += self.pending_audit_changes
        self.pending_audit_changes = []
        if args and self._is_thread(fields.get("target_id")):
            args = (THREAD_ACTIONS.get(args[0], args[0]), *args[1:])
        entry = super().record_audit_log(guild_id, *args, changes=changes, options=options, **fields)
        entries = self.guilds[guild_id].audit_log_entries
        del entries[: max(0, len(entries) - MAX_AUDIT_ENTRIES)]
        return entry


def model_routes() -> list[tuple[str, tuple[str, ...], ModelRoute]]:
    """Return (method, segments of the path template, route) of every route of simcord."""
    assert _routes.__all__  # the import of the package registers them
    return [(method, tuple(template), route) for method, all_ in _ROUTES.items() for template, route in all_]
