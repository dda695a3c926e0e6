"""Writes a world as a seed file. Pure.

What a seed cannot say is left out: threads, direct messages, files, embeds and components, webhooks, emojis,
permission overwrites.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from nescord_core.payloads.flags import Permissions
from nescord_core.sandbox.seeds.schema import (
    BOT,
    Seed,
    SeedChannel,
    SeedGuild,
    SeedMember,
    SeedMessage,
    SeedRole,
    SeedUser,
)
from nescord_core.sandbox.world.people.owners import CHANNEL_KINDS
from nescord_core.sandbox.world.simcord.model import Channel, Guild, Message
from nescord_core.sandbox.world.world import World

__all__ = ["export"]

MESSAGES = 50
"""Newest messages of a channel that are exported."""
WRITTEN = (0, 19, 20, 23)
KINDS = {number: name for name, number in CHANNEL_KINDS.items()}
HEAD = (
    "# A world of nescord's sandbox. Use it with `nescord dev --seed FILE` or sandbox.seed in nescord.toml.\n"
)


def export(world: World) -> str:
    """Return the world as TOML."""
    names = {each.id: each.name for each in world.model.users.values()} | {world.application_id: BOT}
    users = [
        SeedUser(each.name, each.global_name, each.bot)
        for each in world.model.users.values()
        if each.id != world.application_id
    ]
    guilds = {}
    for each in world.model.guilds.values():
        name = each.name if each.name not in guilds else f"{each.name} ({each.id})"
        guilds[name] = msgspec.structs.replace(_guild(world, each, names), name=name)
    payload = msgspec.to_builtins(
        Seed(list({each.name: each for each in users}.values()), list(guilds.values()))
    )
    return HEAD + "".join(_tables(payload, ()))


def _guild(world: World, guild: Guild, names: Mapping[int, str]) -> SeedGuild:
    roles = {each.id: each for each in guild.roles.values() if each.id != guild.id and not each.managed}
    channels = [world.model.channels[each] for each in guild.channel_ids]
    categories = [each for each in channels if each.type == CHANNEL_KINDS["category"]]
    ordered = categories + [each for each in channels if each not in categories and each.type in KINDS]
    return SeedGuild(
        guild.name,
        names[guild.owner_id],
        guild.description,
        [
            SeedMember(
                names[each.user_id], [roles[role].name for role in each.role_ids if role in roles], each.nick
            )
            for each in guild.members.values()
            if each.user_id != world.application_id
            and (each.user_id != guild.owner_id or each.nick or each.role_ids)
        ],
        [
            SeedRole(each.name, _permissions(each.permissions), each.color, each.hoist, each.mentionable)
            for each in {each.name: each for each in roles.values()}.values()
        ],
        [_channel(world, each, names) for each in {each.name: each for each in ordered}.values()],
    )


def _permissions(mask: int) -> list[str]:
    return [each.name.lower() for each in Permissions if each.name and mask & each.value]


def _channel(world: World, channel: Channel, names: Mapping[int, str]) -> SeedChannel:
    parent = world.model.channels.get(channel.parent_id or 0)
    stored = list(world.model.messages.get(channel.id, {}).values())[-MESSAGES:]
    return SeedChannel(
        str(channel.name),
        KINDS[channel.type],
        channel.topic,
        None if parent is None else parent.name,
        channel.rate_limit_per_user,
        [_message(each, names) for each in stored if _is_exported(each, names)],
    )


def _is_exported(message: Message, names: Mapping[int, str]) -> bool:
    written = message.type in WRITTEN and bool(message.content) and not message.is_ephemeral
    return written and message.webhook_id is None and message.author_id in names


def _message(message: Message, names: Mapping[int, str]) -> SeedMessage:
    reactions = {
        each.emoji: [names[user] for user in each.user_ids if user in names]
        for each in message.reactions
        if ":" not in each.emoji
    }
    return SeedMessage(names[message.author_id], message.content, message.pinned, reactions)


def _tables(table: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield a table's own values, then its tables in arrays."""
    arrays = {key: each for key, each in table.items() if _is_array_of_tables(path, key)}
    for key, value in table.items():
        if key not in arrays and value is not None:
            yield f"{key} = {_value(value)}\n"
    for key, tables in arrays.items():
        for each in tables:
            yield f"\n[[{'.'.join((*path, key))}]]\n"
            yield from _tables(each, (*path, key))


def _is_array_of_tables(path: tuple[str, ...], key: str) -> bool:
    return (*path, key) in {
        ("users",),
        ("guilds",),
        ("guilds", "roles"),
        ("guilds", "channels"),
        ("guilds", "channels", "messages"),
    }


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_text(key)} = {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    return _text(value) if isinstance(value, str) else json.dumps(value)


def _text(value: str) -> str:
    """Return a basic string of TOML, whose escapes are those of JSON but for DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
