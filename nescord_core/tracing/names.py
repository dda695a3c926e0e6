"""Names of channels and guilds by their ids, as far as they have been seen. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["Names"]

CHANNEL_EVENTS = frozenset({"CHANNEL_CREATE", "CHANNEL_UPDATE", "THREAD_CREATE", "THREAD_UPDATE"})
DIRECT = 1
"""The channel type of direct messages: https://discord.com/developers/docs/resources/channel"""
MOST = 50_000
ID = re.compile(r"(?<=/channels/)\d{15,20}")


class Names:
    """Learns names from events and from the sandbox's state."""

    def __init__(self) -> None:
        self._channels: dict[int, str] = {}
        self._guilds: dict[int, str] = {}

    def learn(self, event: str, data: Mapping[str, Any]) -> None:
        """Take the names that an event carries."""
        if event in {"GUILD_CREATE", "GUILD_UPDATE"}:
            self.learn_guild(data)
        elif event in CHANNEL_EVENTS:
            self._learn_channel(data)

    def learn_guild(self, guild: Mapping[str, Any]) -> None:
        """Take a guild's name and those of its channels and threads."""
        if guild.get("name") and _number(guild.get("id")):
            self._guilds[_number(guild.get("id"))] = str(guild["name"])
        for kind in ("channels", "threads"):
            for channel in guild.get(kind) or ():
                self._learn_channel(channel)

    def _learn_channel(self, channel: Mapping[str, Any]) -> None:
        number = _number(channel.get("id"))
        if number and (number in self._channels or len(self._channels) < MOST):
            name = channel.get("name")
            self._channels[number] = f"#{name}" if name and channel.get("type") != DIRECT else "DM"

    def channel(self, number: int | None) -> str:
        """Return a channel as ``#general``; empty if its name is not known."""
        return self._channels.get(number or 0, "")

    def place(self, guild: int | None, channel: int | None) -> str:
        """Return where something happened: names where they are known, else the guild's id."""
        found = self.channel(channel)
        guild_name = self._guilds.get(guild or 0, "")
        if found:
            return f"{guild_name} {found}" if guild_name and len(self._guilds) > 1 else found
        if not guild:
            return "DM" if channel else "no guild"
        return guild_name or f"guild {guild}"

    def in_path(self, text: str) -> str:
        """Return an API path, or a text that contains one, with channels by name."""
        return ID.sub(lambda found: self.channel(int(found[0])) or found[0], text)


def _number(value: Any) -> int:
    return int(value) if str(value).isdigit() else 0
