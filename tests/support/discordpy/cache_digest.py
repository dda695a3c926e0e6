"""Describes guilds as plain data, from a GUILD_CREATE or from discord.py's cache, for comparison."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import discord

WITHOUT_TOPIC = (2, 4)
"""Voice channels and categories, whose topic discord.py does not store."""

__all__ = ["differences", "of_client", "of_payload", "rights"]


def of_payload(guild: dict[str, Any]) -> dict[str, Any]:
    """Describe a guild as Discord sends it."""
    return {
        "name": guild["name"],
        "owner": int(guild["owner_id"]),
        "count": guild["member_count"],
        "roles": {
            each["id"]: [each["name"], int(each["permissions"]), each["position"], each["color"]]
            for each in guild["roles"]
        },
        "channels": {
            each["id"]: [
                each["name"],
                each["type"],
                each.get("topic") if each["type"] not in WITHOUT_TOPIC else None,
                int(each["parent_id"]) if each.get("parent_id") else None,
                sorted(
                    [int(o["id"]), int(o["allow"]), int(o["deny"])] for o in each["permission_overwrites"]
                ),
            ]
            for each in guild["channels"]
        },
        "members": {
            each["user"]["id"]: [each["user"]["username"], each.get("nick"), sorted(map(int, each["roles"]))]
            for each in guild["members"]
        },
        "voice": sorted(int(each["user_id"]) for each in guild.get("voice_states") or ()),
    }


def of_client(client: discord.Client) -> dict[str, Any]:
    """Describe every guild in a client's cache in the same way."""
    return {str(guild.id): _of_guild(guild) for guild in client.guilds}


def _of_guild(guild: discord.Guild) -> dict[str, Any]:
    return {
        "name": guild.name,
        "owner": guild.owner_id,
        "count": guild.member_count,
        "roles": {
            str(each.id): [each.name, each.permissions.value, each.position, each.colour.value]
            for each in guild.roles
        },
        "channels": {
            str(each.id): [
                each.name,
                each.type.value,
                getattr(each, "topic", None),
                each.category_id,
                sorted([o.id, o.allow, o.deny] for o in each._overwrites),
            ]
            for each in guild.channels
        },
        "members": {
            str(each.id): [each.name, each.nick, sorted(role.id for role in each.roles[1:])]
            for each in guild.members
        },
        "voice": sorted(member.id for channel in guild.voice_channels for member in channel.members),
    }


def rights(client: discord.Client) -> dict[str, Any]:
    """Return members' permissions: everybody's in the guild, the bot's and the owner's in each channel."""
    found: dict[str, Any] = {}
    for guild in client.guilds:
        asked = [each for each in (guild.me, guild.owner) if each is not None]
        found[str(guild.id)] = [
            {str(each.id): each.guild_permissions.value for each in guild.members},
            {str(each.id): [each.permissions_for(who).value for who in asked] for each in guild.channels},
            [len(guild.emojis), len(guild.threads), guild.large, guild.chunked],
        ]
    return found


def differences(wanted: Any, found: Any, where: str = "") -> list[str]:
    """Return the differences between two descriptions, one per line."""
    if not (isinstance(wanted, dict) and isinstance(found, dict)):
        return [] if wanted == found else [f"{where}: {found!r} instead of {wanted!r}"]
    return [
        line
        for name in sorted(wanted.keys() | found.keys())
        for line in differences(wanted.get(name, "nothing"), found.get(name, "nothing"), f"{where}/{name}")
    ]
