"""The model's state as data that can be written to disk, and back.

Interactions are left out, because their tokens are over, and so are voice states and ephemeral messages,
which Discord's clients forget as well.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec
from simcord.backend.models import (
    SKU,
    Channel,
    Entitlement,
    Guild,
    GuildEmoji,
    Invite,
    Message,
    StageInstance,
    User,
    Webhook,
)

from nescord_core.sandbox.world.extra_fields import ATTRIBUTE, extra_fields_of
from nescord_core.sandbox.world.simcord.model import SimcordModel

__all__ = ["StoredModel", "restore", "restore_messages", "stored_messages", "stored_model"]

DATES = ("starts_at", "ends_at", "scheduled_end_at", "fulfilled_at")
TABLES = (
    "users",
    "guilds",
    "channels",
    "webhooks",
    "invites",
    "skus",
    "stage_instances",
    "application_emojis",
)
WITHIN_GUILDS = ("roles", "members", "scheduled_events", "emojis", "stickers", "auto_mod_rules")
Key = int | str


class StoredModel(msgspec.Struct):
    """Everything of the model but its messages and files.

    ``extra`` has the fields that the model lacks, by table and keys. ``ahead`` is how far the clock has been
    moved, in seconds; ``last_ms`` is the time in the newest id, so that later ones are newer.
    """

    users: dict[int, User]
    guilds: dict[int, Guild]
    channels: dict[int, Channel]
    webhooks: dict[int, Webhook]
    invites: dict[str, Invite]
    skus: dict[int, SKU]
    stage_instances: dict[int, StageInstance]
    application_emojis: dict[int, GuildEmoji]
    dm_channels: dict[int, int]
    commands: list[tuple[int | None, list[dict[str, Any]]]]
    command_permissions: list[tuple[int, int, list[dict[str, Any]]]]
    entitlements: list[dict[str, Any]]
    extra: list[tuple[str, list[Key], dict[str, Any]]]
    ahead: float
    last_ms: int


def stored_model(model: SimcordModel) -> StoredModel:
    """Return the present state. It shares the model's objects: encode it before anything changes."""
    return StoredModel(
        **{table: getattr(model, table) for table in TABLES},
        dm_channels=model.dm_channels,
        commands=[(scope, list(each.values())) for scope, each in model.commands.items()],
        command_permissions=[(*key, each) for key, each in model.command_permissions.items()],
        entitlements=[vars(each) for each in model.entitlements.values()],
        extra=[(table, list(keys), vars(each)[ATTRIBUTE]) for table, keys, each in _with_extra_fields(model)],
        ahead=model.clock.elapsed,
        last_ms=model.last_ms,
    )


def restore(model: SimcordModel, stored: StoredModel) -> None:
    """Replace the model's state.

    Raises KeyError or ValueError if the parts do not fit each other; the model is as it was then.
    """
    _check(stored, model.application_id)
    commands = {scope: {_key_of(each): each for each in some} for scope, some in stored.commands}
    entitlements = {each.id: each for each in map(_entitlement, stored.entitlements)}
    for table, keys, fields in stored.extra:
        extra_fields_of(_find(stored, table, keys)).update(fields)
    for table in (*TABLES, "dm_channels"):
        setattr(model, table, getattr(stored, table))
    model.bot_user = stored.users[model.application_id]
    model.webhook_tokens = {each.token: each.id for each in stored.webhooks.values()}
    model.commands, model.entitlements = commands, entitlements
    model.command_permissions = {
        (guild, command): each for guild, command, each in stored.command_permissions
    }
    model.messages = {channel_id: {} for channel_id in stored.channels}
    model.clock.elapsed, model.last_ms = stored.ahead, stored.last_ms
    for guild in stored.guilds.values():
        guild.voice_states = {}


def _check(stored: StoredModel, bot_id: int) -> None:
    """Raise KeyError if something that is referred to is missing."""
    _ = stored.users[bot_id]
    for guild in stored.guilds.values():
        for user_id in (guild.owner_id, *guild.members):
            _ = stored.users[user_id]
        for channel_id in (*guild.channel_ids, *guild.thread_ids):
            _ = stored.channels[channel_id]
        for member in guild.members.values():
            for role_id in member.role_ids:
                _ = guild.roles[role_id]


def stored_messages(model: SimcordModel, channel_id: int, limit: int) -> list[Message]:
    """Return the newest messages of a channel, oldest first."""
    found = [each for each in model.messages.get(channel_id, {}).values() if not each.is_ephemeral]
    return found[-limit:]


def restore_messages(model: SimcordModel, channel_id: int, messages: Iterable[Message]) -> None:
    """Add messages to a channel; those of unknown authors are left out."""
    known = {each.id: each for each in messages if each.author_id in model.users}
    model.messages[channel_id] = known
    for each in known.values():
        if each.poll is not None:
            model.note_poll(each)


def _with_extra_fields(model: SimcordModel) -> Iterator[tuple[str, tuple[Key, ...], Any]]:
    for table in TABLES:
        for key, each in getattr(model, table).items():
            if vars(each).get(ATTRIBUTE):
                yield table, (key,), each
    for guild in model.guilds.values():
        for table in WITHIN_GUILDS:
            for key, each in getattr(guild, table).items():
                if vars(each).get(ATTRIBUTE):
                    yield table, (guild.id, key), each


def _find(stored: StoredModel, table: str, keys: list[Key]) -> Any:
    if table in WITHIN_GUILDS:
        return getattr(stored.guilds[int(keys[0])], table)[keys[1]]
    if table not in TABLES:
        raise ValueError(f"there is no table {table!r}")
    return getattr(stored, table)[keys[0]]


def _key_of(command: dict[str, Any]) -> tuple[str, int]:
    return str(command["name"]), int(command["type"])


def _entitlement(fields: dict[str, Any]) -> Entitlement:
    dates = {name: datetime.fromisoformat(fields[name]) for name in DATES if fields.get(name)}
    try:
        return Entitlement(**{**fields, **dates})
    except TypeError as error:
        raise ValueError(str(error)) from None
