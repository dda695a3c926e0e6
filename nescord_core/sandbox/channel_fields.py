"""Fields of channels that the model does not have: kept as they were sent, shown wherever a channel is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nescord_core.sandbox.simulation import Simulation

__all__ = ["KEPT", "ChannelFields"]

Payload = dict[str, Any]

KEPT = frozenset(
    {
        "default_auto_archive_duration",
        "default_forum_layout",
        "default_reaction_emoji",
        "default_sort_order",
        "default_tag_setting",
        "default_thread_rate_limit_per_user",
        "flags",
        "nsfw",
        "video_quality_mode",
    }
)
CHANNEL_EVENTS = frozenset({"CHANNEL_CREATE", "CHANNEL_UPDATE", "CHANNEL_DELETE", "THREAD_UPDATE"})


class ChannelFields:
    """The kept fields by channel id."""

    def __init__(self, simulation: Simulation) -> None:
        self._simulation = simulation
        self._kept: dict[int, Payload] = {}
        self._new: Payload = {}

    @contextmanager
    def for_new(self, fields: Mapping[str, Any]) -> Iterator[None]:
        """Give the channel that is made meanwhile these fields; its CHANNEL_CREATE has them already."""
        self._new = {name: value for name, value in fields.items() if value is not None}
        try:
            yield
        finally:
            self._new = {}

    def change(self, channel_id: int, fields: Mapping[str, Any]) -> Payload:
        """Change a channel's fields; return those it had, for `restore`."""
        before = self._kept.get(channel_id, {})
        if fields:
            self._kept[channel_id] = {**before, **fields}
        return before

    def restore(self, channel_id: int, fields: Payload) -> None:
        """Take a change back."""
        self._kept[channel_id] = fields

    def onto(self, payload: Mapping[str, Any]) -> Payload:
        """Return a channel's payload with its kept fields."""
        return {**payload, **self._kept.get(int(payload["id"]), {})}

    def announced(self, event: str, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return an event's payload with the kept fields of its channels."""
        if event in CHANNEL_EVENTS:
            return self._channel_event(event, payload)
        if event == "GUILD_CREATE":
            return {**payload, "channels": [self.onto(each) for each in payload["channels"]]}
        return payload

    def _channel_event(self, event: str, payload: Mapping[str, Any]) -> Payload:
        channel_id = int(payload["id"])
        if event == "CHANNEL_CREATE" and self._new:
            payload = self._adopt(channel_id, payload)
        shown = self.onto(payload)
        if event == "CHANNEL_DELETE":
            self._kept.pop(channel_id, None)
        return shown

    def _adopt(self, channel_id: int, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        fields, self._new = self._new, {}
        # The model has tags, though not at a channel's start; each gets its id from us.
        tags = [
            {**each, "id": str(self._simulation.snowflake())} for each in fields.pop("available_tags", ())
        ]
        self._kept[channel_id] = fields
        if not tags:
            return payload
        self._simulation.channels[channel_id].available_tags = tags
        return {**payload, "available_tags": tags}
