"""Finds guilds, channels, users, roles and messages by id, or by name as a person types it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from nescord_core.errors import NescordError
from nescord_core.sandbox.world.simcord.model import Channel, Guild, Message, Role, SimcordModel, User

__all__ = ["ActionError", "Lookup", "Ref", "id_of"]

Ref = int | str
"""An id (as number or digits) or a name: ``general``, ``#general``, ``alice``, ``@alice``."""

MAX_NAMES = 25
MAX_ID_DIGITS = 20
"""Decimal digits of the largest number with 64 bits."""


class ActionError(NescordError):
    """An action of a person that is not possible; the message says why.

    ``status`` is the HTTP status of the control API's response. ``code`` is Discord's JSON error code where
    Discord itself would refuse the action, else 0.
    """

    exit_code: ClassVar[int] = 1

    def __init__(self, message: str, *, status: int = 400, code: int = 0) -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class Lookup:
    """Finds objects of the model. ``guild=None`` means any guild, the oldest first."""

    def __init__(self, model: SimcordModel) -> None:
        self.model = model

    def find_guild(self, guild: Ref | None = None) -> Guild:
        """Return a guild by id or name; for None, the first one."""
        guilds = self.model.guilds
        if guild is None:
            if not guilds:
                raise ActionError("The bot is in no guild. Add one first.", status=409)
            return next(iter(guilds.values()))
        number = id_of(guild)
        if number in guilds:
            return guilds[number]
        for each in guilds.values():
            if each.name == guild:
                return each
        raise _unknown("guild", guild, (each.name for each in guilds.values()))

    def find_user(self, user: Ref) -> User:
        """Return a user by id or name."""
        users = self.model.users
        number = id_of(user)
        if number in users:
            return users[number]
        name = str(user).removeprefix("@")
        for each in users.values():
            if each.name == name:
                return each
        raise _unknown("user", user, (each.name for each in users.values() if not each.bot))

    def find_channel(self, channel: Ref, guild: Ref | None = None) -> Channel:
        """Return a channel or thread by id or name, in one guild or in any."""
        channels = self.model.channels
        number = id_of(channel)
        if number in channels:
            return channels[number]
        name = str(channel).removeprefix("#")
        within = [self.find_guild(guild)] if guild is not None else list(self.model.guilds.values())
        for each in within:
            for channel_id in (*each.channel_ids, *each.thread_ids):
                if channels[channel_id].name == name:
                    return channels[channel_id]
        seen = dict.fromkeys(f"#{channels[c].name}" for each in within for c in each.channel_ids)
        raise _unknown("channel", channel, seen)

    def find_role(self, role: Ref, guild: Ref | None = None) -> Role:
        """Return a role of a guild by id or name."""
        roles = self.find_guild(guild).roles
        number = id_of(role)
        if number in roles:
            return roles[number]
        for each in roles.values():
            if each.name == role:
                return each
        raise _unknown("role", role, (each.name for each in roles.values()))

    def find_message(self, channel: Ref, message: Ref, guild: Ref | None = None) -> Message:
        """Return a message of a channel by its id."""
        place = self.find_channel(channel, guild)
        found = self.model.messages.get(place.id, {}).get(id_of(message) or 0)
        if found is None:
            raise ActionError(f"There is no message {message} in #{place.name or place.id}.", status=404)
        return found


def id_of(value: Ref) -> int:
    """Return the id; -1, which no object has, for a name or for more digits than an id can have."""
    if isinstance(value, int):
        return value
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= MAX_ID_DIGITS else -1


def _unknown(kind: str, value: Ref, known: Iterable[str | None]) -> ActionError:
    names = [name for name in known if name]
    shown = ", ".join(names[:MAX_NAMES]) or "none"
    more = f" and {len(names) - MAX_NAMES} more" if len(names) > MAX_NAMES else ""
    return ActionError(f"There is no {kind} {value!r}. Known: {shown}{more}.", status=404)
