"""The model of Discord's state: the one place that knows simcord.

simcord (https://github.com/SilentHacks/simcord, pinned in setup.cfg) was made for tests of a bot in the same
process. It gives the state, permissions, error codes and route functions. What a long-running server needs
besides is here: a real clock, ids that do not pile up, bounds on what is remembered, and files whose
addresses are this server's.
"""

from __future__ import annotations

import mimetypes
import secrets
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

from simcord._clock import Clock
from simcord.backend import Backend, serializers
from simcord.backend.access import channel_accessible, reaction_permissions
from simcord.backend.cdn import CdnStore
from simcord.backend.command_access import command_access
from simcord.backend.errors import BackendError, SetupError
from simcord.backend.models import (
    AuditLogEntry,
    Channel,
    Guild,
    Interaction,
    Member,
    Message,
    Overwrite,
    Poll,
    PollAnswer,
    Role,
    User,
    Webhook,
)
from simcord.backend.permissions import flag as permission_flag
from simcord.components import walk_components
from simcord.http import routes as _routes
from simcord.http.router import _ROUTES, RequestContext, RouteNotImplemented, UnsupportedField
from simcord.interactions import base_payload, nest_options, validate_option_value, walk_to_subcommand

from nescord_core.settings import SANDBOX_BOT_ID
from nescord_core.snowflake import DISCORD_EPOCH_MS

__all__ = [
    "BackendError",
    "Channel",
    "Guild",
    "Interaction",
    "Member",
    "Message",
    "ModelRoute",
    "Overwrite",
    "Poll",
    "PollAnswer",
    "RequestContext",
    "Role",
    "RouteNotImplemented",
    "SetupError",
    "Simulation",
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

MESSAGES_PER_CHANNEL = 10_000
INTERACTIONS_KEPT = 10_000
AUDIT_ENTRIES_KEPT = 1_000
FILES_MB = 256
TOKEN_BYTES = 51
COMPONENT = 3
SERVER_BITS = 1 << 17
"""Ids made now carry this worker number; those made for a shard carry none, so that they never meet."""

ModelRoute = Callable[[RequestContext], Any]


class RealClock(Clock):
    """simcord's clock, showing the time of day; `advance` still moves it on, for tests."""

    def now(self) -> datetime:
        return datetime.now(UTC) + timedelta(seconds=self.elapsed)


class FileStore(CdnStore):
    """Attachments and other binary files, oldest dropped past a bound; ``base`` is this server's address."""

    def __init__(self) -> None:
        super().__init__()
        self.base = "http://127.0.0.1"
        self._files: OrderedDict[str, tuple[str, bytes]] = OrderedDict()
        self._size = 0

    def store_attachment(
        self, attachment_id: int, channel_id: int, filename: str, data: bytes, description: str | None
    ) -> dict[str, Any]:
        name = filename.replace("\\", "/").rsplit("/", 1)[-1] or "file"
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        url = self.put(f"attachments/{channel_id}/{attachment_id}/{name}", kind, data)
        attachment = {
            "id": str(attachment_id),
            "filename": name,
            "size": len(data),
            "url": url,
            "proxy_url": url,
            "content_type": kind,
        }
        return attachment if description is None else {**attachment, "description": description}

    def store_sticker(self, sticker_id: int, format_type: int, data: bytes) -> str:
        ending, kind = {3: ("json", "application/json"), 4: ("gif", "image/gif")}.get(
            format_type, ("png", "image/png")
        )
        return self.put(f"stickers/{sticker_id}.{ending}", kind, data)

    def put(self, path: str, content_type: str, data: bytes) -> str:
        """Keep a file and return its address."""
        self._size += len(data) - len(self._files.get(path, ("", b""))[1])
        self._files[path] = (content_type, data)
        while self._size > FILES_MB << 20 and len(self._files) > 1:
            self._size -= len(self._files.popitem(last=False)[1][1])
        return f"{self.base}/cdn/{quote(path)}"

    def read(self, path: str) -> tuple[str, bytes] | None:
        """Return content type and bytes of ``attachments/...``, None when there is no such file."""
        return self._files.get(path)

    def get(self, url: str) -> bytes | None:
        found = self.read(url.split("/cdn/", 1)[-1])
        return None if found is None else found[1]


class Simulation(Backend):
    """simcord's backend for a server that runs for days."""

    def __init__(self, announce: Callable[[str, Mapping[str, Any]], None]) -> None:
        self._announce = announce
        self._quiet = False
        self.messages_per_channel = MESSAGES_PER_CHANNEL
        self._last_ms = 0
        self._sequence = 0
        self._planned_ids: Iterator[int] = iter(())
        self._open_polls: dict[int, Message] = {}
        self._reacted_to: int | None = None
        self.origins: dict[int, int] = {}
        super().__init__(clock=RealClock())
        self.files = FileStore()
        self.cdn = self.files
        # A bot's user has carried the id of its application since 2016. Fixed, because the token names it.
        self.users.clear()
        self.application_id = self.bot_user.id = SANDBOX_BOT_ID
        self.users[self.bot_user.id] = self.bot_user

    def emit(self, event: str, payload: Mapping[str, Any]) -> None:
        """Announce an event. simcord keeps a transcript of them all; a server must not."""
        if self._reacted_to is not None:
            payload = {**payload, "message_author_id": str(self._reacted_to)}
        if not self._quiet:
            self._announce(event, payload)

    def _emit_reaction(self, event: str, message: Message, emoji: str, user_id: int) -> None:
        # Whose message it is comes with the addition only
        # (https://discord.com/developers/docs/events/gateway-events#message-reaction-add).
        self._reacted_to = message.author_id if event == "MESSAGE_REACTION_ADD" else None
        try:
            super()._emit_reaction(event, message, emoji, user_id)
        finally:
            self._reacted_to = None

    @contextmanager
    def quiet(self) -> Iterator[None]:
        """Announce nothing meanwhile: what is built up is announced as one whole afterwards."""
        self._quiet = True
        try:
            yield
        finally:
            self._quiet = False

    def snowflake(self) -> int:
        """Make an id of this moment; ids never go backwards, even when the clock does."""
        planned = next(self._planned_ids, None)
        if planned is not None:
            return planned
        now_ms = int(self.clock.now().timestamp() * 1000) - DISCORD_EPOCH_MS
        if now_ms > self._last_ms:
            self._last_ms, self._sequence = now_ms, 0
        else:
            self._sequence += 1
        return (self._last_ms << 22) | SERVER_BITS | (self._sequence & (SERVER_BITS - 1))

    def reserve_id(self, value: int) -> int:
        if not 0 < value < 1 << 64 or value in self.guilds:
            raise SetupError(f"{value} cannot be the id of a new guild: it is out of range or taken")
        return value

    @contextmanager
    def planned_ids(self, first: int) -> Iterator[None]:
        """Count ids up from ``first`` meanwhile, so that a seeded world has the same ids every time."""
        self._planned_ids = iter(range(first, first + SERVER_BITS))
        try:
            yield
        finally:
            self._planned_ids = iter(())

    def create_forum_post(
        self, forum_id: int, name: str, starter: Message, **options: Any
    ) -> tuple[Channel, Message]:
        # A post's first message has the id of its thread
        # (https://discord.com/developers/docs/topics/threads#forums); the thread's id is the first one made.
        self._planned_ids = iter((starter.id,))
        try:
            return super().create_forum_post(forum_id, name, starter, **options)
        finally:
            self._planned_ids = iter(())

    def commit_message(self, message: Message, *, broadcast: bool = True) -> Message:
        stored = super().commit_message(message, broadcast=broadcast)
        if message.poll is not None:
            self._open_polls[message.id] = message
        kept = self.messages.get(message.channel_id, {})
        while len(kept) > self.messages_per_channel:
            del kept[next(iter(kept))]
        return stored

    def new_interaction(self, type: int, channel_id: int, user_id: int, guild_id: int | None) -> Interaction:  # noqa: A002 - simcord's name
        record = super().new_interaction(type, channel_id, user_id, guild_id)
        del self.interaction_tokens[record.token]
        record.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.interaction_tokens[record.token] = record.id
        while len(self.interactions) > INTERACTIONS_KEPT:
            oldest = self.interactions.pop(next(iter(self.interactions)))
            self.interaction_tokens.pop(oldest.token, None)
            self.origins.pop(oldest.id, None)
        return record

    def prepare_message(
        self, *args: Any, interaction_metadata: Mapping[str, Any] | None = None, **fields: Any
    ) -> Message:
        if interaction_metadata is not None:
            fields["interaction_metadata"] = self._with_cause(interaction_metadata)
        return super().prepare_message(*args, **fields)

    def _with_cause(self, metadata: Mapping[str, Any]) -> dict[str, Any]:
        """Name what a component's or a modal's interaction came from; discord.js reads it with its user.

        https://discord.com/developers/docs/resources/message#message-interaction-metadata-object
        """
        record = self.interactions[int(metadata["id"])]
        cause = self.interactions.get(self.origins.get(record.id, 0))
        if record.type == COMPONENT and record.source_message_id is not None:
            return {**metadata, "interacted_message_id": str(record.source_message_id)}
        if cause is None:
            return dict(metadata)
        told: dict[str, Any] = {**metadata, "id": str(cause.id), "type": cause.type}
        if cause.command_name is not None:
            told |= {"name": cause.command_name, "command_type": cause.command_type}
        return {**metadata, "triggering_interaction_metadata": self._with_cause(told)}

    def create_webhook(self, channel_id: int, name: str, creator_id: int) -> Webhook:
        hook = super().create_webhook(channel_id, name, creator_id)
        del self.webhook_tokens[hook.token]
        hook.token = secrets.token_urlsafe(TOKEN_BYTES)
        self.webhook_tokens[hook.token] = hook.id
        self._emit_webhooks_update(channel_id)
        return hook

    def record_audit_log(self, guild_id: int, *args: Any, **fields: Any) -> AuditLogEntry:
        # Roles given and taken are changes, not options
        # (https://discord.com/developers/docs/resources/audit-log#audit-log-change-object).
        options = dict(fields.pop("options", None) or {})
        changes = list(fields.pop("changes", None) or [])
        moved = [key for key in ("$add", "$remove") if key in options]
        changes += [{"key": key, "new_value": options.pop(key)} for key in moved]
        entry = super().record_audit_log(guild_id, *args, changes=changes, options=options, **fields)
        entries = self.guilds[guild_id].audit_log_entries
        del entries[: max(0, len(entries) - AUDIT_ENTRIES_KEPT)]
        return entry

    def settle(self) -> None:
        """Carry out what is due by now: polls that end, scheduled events that start or end."""
        now = self.now_iso()
        for message in list(self._open_polls.values()):
            gone = message.id not in self.messages.get(message.channel_id, {})
            if gone or message.poll is None or message.poll.expiry <= now:
                del self._open_polls[message.id]
            if not gone and message.poll is not None and message.poll.expiry <= now:
                self.expire_poll(message.channel_id, message.id)
        self.activate_due_scheduled_events()


def model_routes() -> list[tuple[str, tuple[str, ...], ModelRoute]]:
    """Return (method, template segments, function) of every route that simcord answers."""
    assert _routes.__all__  # importing the package is what registers them
    return [(method, tuple(template), route) for method, all_ in _ROUTES.items() for template, route in all_]
