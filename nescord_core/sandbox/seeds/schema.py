"""What a seed file may contain."""

from __future__ import annotations

import msgspec

__all__ = ["BOT", "PEOPLE", "SeedChannel", "SeedGuild", "SeedMember", "SeedMessage", "SeedRole", "SeedUser"]
__all__ += ["Seed"]

PEOPLE = ("olivia", "alice", "bob")
"""Users of every world."""
BOT = "bot"
"""The author of the bot's own messages."""


class SeedUser(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A user besides olivia, alice and bob, or the details of one of them."""

    name: str
    global_name: str | None = None
    bot: bool = False


class SeedMember(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A member with roles or a nickname."""

    user: str
    roles: list[str] = []
    nick: str | None = None


class SeedRole(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A role; ``permissions`` are names, or a bit mask; ``color`` is 0x3498DB or "#3498DB"."""

    name: str
    permissions: list[str] | int | str = 0
    color: int | str = 0
    hoist: bool = False
    mentionable: bool = False


class SeedMessage(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A message; ``reactions`` are users by emoji."""

    author: str
    content: str
    pinned: bool = False
    reactions: dict[str, list[str]] = {}


class SeedChannel(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A channel; ``parent`` is the name of a category that comes before it."""

    name: str
    kind: str = "text"
    topic: str | None = None
    parent: str | None = None
    slowmode: int = 0
    messages: list[SeedMessage] = []


class SeedGuild(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A guild; the bot is a member of it, and so is the owner."""

    name: str
    owner: str = "olivia"
    description: str | None = None
    members: list[str | SeedMember] = msgspec.field(default_factory=lambda: ["alice", "bob"])
    roles: list[SeedRole] = []
    channels: list[SeedChannel] = []


class Seed(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True):
    """A whole world."""

    users: list[SeedUser] = []
    guilds: list[SeedGuild] = []
