"""The world of the sandbox: one object that holds the state, performs people's actions and announces events.

The gateway and the page subscribe to its events; the REST API works on it (`nescord_core.sandbox.http.api`).
Nothing here knows of sockets.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from nescord_core.sandbox.world.event_members import with_members
from nescord_core.sandbox.world.lookup import ActionError, Ref
from nescord_core.sandbox.world.people.accounts import AccountActions
from nescord_core.sandbox.world.people.members import Payload, newest_messages
from nescord_core.sandbox.world.required_fields import complete_event, complete_members
from nescord_core.sandbox.world.simcord.model import SimcordModel, serializers
from nescord_core.settings import SandboxSettings

__all__ = ["ActionError", "Listener", "World"]

Listener = Callable[[str, Mapping[str, Any], int, int | None], None]
"""Called with (event, payload, guild id or 0, routing key): the key is the guild id, the channel id of a
direct message, or None."""

PARTIAL_EVENTS: Mapping[str, tuple[str, ...]] = {
    "THREAD_DELETE": ("id", "guild_id", "parent_id", "type"),
    "THREAD_MEMBERS_UPDATE": ("id", "guild_id", "member_count", "added_members", "removed_member_ids"),
}
"""Events with only some fields of the thread; the model sends all of them."""
MAX_ADVANCE = 10 * 366 * 86_400
"""Seconds that one call may move the clock."""
GUILD_EVENTS = frozenset({"GUILD_CREATE", "GUILD_UPDATE", "GUILD_DELETE"})
ONLY_IN_GUILD_CREATE = frozenset(
    {"channels", "guild_scheduled_events", "joined_at", "large", "member_count", "members", "presences"}
    | {"soundboard_sounds", "stage_instances", "threads", "unavailable", "voice_states"}
)
"""Fields of a guild that its updates do not have; the model sends all of them."""


class World(AccountActions):
    """The state of one sandbox. Actions that Discord or its client refuses raise `ActionError`."""

    def __init__(self, settings: SandboxSettings) -> None:
        super().__init__(SimcordModel(self._publish))
        self.settings = settings
        self._nonce: int | str | None = None
        self._listeners: list[Listener] = []
        self.model.bot_user.name = "Sandbox Bot"
        self.model.bot_permissions = settings.bot_permissions

    # Events

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with every event, in order; returns a function that unsubscribes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _publish(self, event: str, payload: Mapping[str, Any]) -> None:
        if not self._listeners:
            return
        guild_id = int(payload["id"] if event in GUILD_EVENTS else payload.get("guild_id") or 0)
        channel_id = payload.get("channel_id")
        key = guild_id or (int(channel_id) if channel_id else None)
        if event in PARTIAL_EVENTS:
            payload = {name: payload[name] for name in PARTIAL_EVENTS[event] if name in payload}
        if event == "GUILD_CREATE":
            payload = self._complete_guild_create(payload, guild_id)
        if event == "GUILD_UPDATE":
            payload = {name: each for name, each in payload.items() if name not in ONLY_IN_GUILD_CREATE}
        if guild_id:
            payload = with_members(event, payload, lambda user_id: self._find_member(guild_id, user_id))
        payload = complete_event(event, payload)
        if event == "TYPING_START" and not payload["timestamp"]:
            payload = {**payload, "timestamp": int(self.model.clock.now().timestamp())}
        if event == "MESSAGE_CREATE" and self._nonce is not None:
            payload = {**payload, "nonce": self._nonce}
        for listener in self._listeners:
            listener(event, payload, guild_id, key)

    def _find_member(self, guild_id: int, user_id: int) -> Payload | None:
        """Return a membership with its user; None for a user who is not a member."""
        guild = self.model.guilds.get(guild_id)
        if guild is None or user_id not in guild.members:
            return None
        return dict(serializers.member_payload(self.model, guild, guild.members[user_id]))

    @contextmanager
    def nonce(self, nonce: int | str | None) -> Iterator[None]:
        """Add the nonce of the sender to MESSAGE_CREATE within the block; clients recognise their message."""
        self._nonce = nonce
        try:
            yield
        finally:
            self._nonce = None

    def advance(self, seconds: float) -> Payload:
        """Move the world's clock on; returns its time, and how far it is ahead of the real one.

        Whatever the world does at a time, it does now if that time has come: polls and scheduled events end,
        entitlements and time-outs expire. New ids and timestamps have the new time.
        """
        if not 0 <= seconds <= MAX_ADVANCE:
            raise ActionError(f"The clock moves by 0 to {MAX_ADVANCE} seconds, not {seconds:g}.")
        self.model.advance_clock(seconds)
        self.tick()
        return {"now": self.model.now_iso(), "ahead": self.model.clock.elapsed}

    def position(self) -> int:
        """Return an id that is newer than all that exist, and older than all that follow."""
        return self.model.snowflake()

    def tick(self) -> None:
        """Start and end what is due (polls, scheduled events); call it about once a second."""
        self.model.settle()

    # State

    @property
    def public_url(self) -> str:
        """The sandbox's address, ``http://HOST:PORT``, with which the URLs of files start."""
        return self.model.files.base

    @public_url.setter
    def public_url(self, url: str) -> None:
        self.model.files.base = url.rstrip("/")

    @property
    def bot_user(self) -> Payload:
        """The bot's user, as READY shows it."""
        return dict(complete_event("USER_UPDATE", serializers.user_payload(self.model.bot_user)))

    @property
    def application_id(self) -> int:
        """The id of the bot's application, which is also its user's."""
        return self.model.application_id

    def guild_ids(self) -> list[int]:
        """Return the ids of the guilds that the bot is in."""
        return list(self.model.guilds)

    def guild_create(self, guild_id: int) -> Payload:
        """Return a guild as GUILD_CREATE shows it, with all members."""
        payload = serializers.guild_create_payload(self.model, self.find_guild(guild_id))
        return dict(complete_event("GUILD_CREATE", self._complete_guild_create(payload, guild_id)))

    def _complete_guild_create(self, payload: Mapping[str, Any], guild_id: int) -> Mapping[str, Any]:
        """Add what the model lacks in GUILD_CREATE: presences, soundboard sounds, stages."""
        seen = [self.presence(int(each["user"]["id"]), guild_id) for each in payload["members"]]
        stages = [each for each in self.model.stage_instances.values() if each.guild_id == guild_id]
        return {
            **payload,
            "presences": [each for each in seen if each["status"] != "offline"],
            "soundboard_sounds": list(self.extra_state.soundboard_sounds.get(guild_id, {}).values()),
            "stage_instances": [serializers.stage_instance_payload(each) for each in stages],
        }

    def is_available(self, guild_id: int) -> bool:
        """Return whether the guild is available (no outage)."""
        return guild_id not in self.extra_state.unavailable_guilds

    def members(self, guild_id: int) -> list[Payload]:
        """Return a guild's members with their users."""
        guild = self.find_guild(guild_id)
        members = [serializers.member_payload(self.model, guild, each) for each in guild.members.values()]
        return complete_members([dict(each) for each in members])

    def users(self) -> list[Payload]:
        """Return all users, the bot included."""
        return [dict(serializers.user_payload(each)) for each in list(self.model.users.values())]

    def channels(self, guild: Ref | None = None) -> list[Payload]:
        """Return the channels of a guild; for None, those of all guilds and the direct messages."""
        model = self.model
        if guild is None:
            return [dict(serializers.channel_payload(model, each)) for each in list(model.channels.values())]
        ids = self.find_guild(guild).channel_ids
        return [dict(serializers.channel_payload(model, model.channels[each])) for each in ids]

    def messages(
        self, channel: Ref, *, guild: Ref | None = None, after: int = 0, limit: int = 50
    ) -> list[Payload]:
        """Return the newest ``limit`` messages after ``after``, oldest first, ephemeral ones included."""
        place = self.find_channel(channel, guild)
        return [
            self.message(each)
            for each in newest_messages(self.model.messages[place.id], after=after, limit=limit)
        ]

    def set_bot_voice(
        self, guild_id: int, channel_id: int | None, *, mute: bool = False, deaf: bool = False
    ) -> None:
        """Change the bot's own voice state (gateway opcode 4); announces VOICE_STATE_UPDATE."""
        if channel_id is None:
            self.voice_leave(self.application_id, guild=guild_id)
        else:
            self.voice_join(channel_id, self.application_id, mute=mute, deaf=deaf)
