"""Answers a client's commands: members, voice, soundboard sounds, channel info, presence.

https://discord.com/developers/docs/events/gateway-events#send-events
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Protocol

from nescord_core.errors import NescordError
from nescord_core.events import Intents
from nescord_core.sandbox.gateway.protocol import Command, Op
from nescord_core.sandbox.gateway.sessions import GatewayLimits, Session

__all__ = ["CommandError", "CommandProcessor", "CommandWorld", "Events"]

CHUNK_SIZE = 1000
"""Members in one GUILD_MEMBERS_CHUNK."""
MAX_IDS = 100
"""Ids in one request."""
MAX_NONCE = 32
"""Bytes of a nonce; a longer one is ignored."""
"""Seconds between two requests for all members of a guild
(https://discord.com/developers/docs/events/gateway-events#request-guild-members)."""
STATUSES = ("online", "dnd", "idle", "invisible", "offline")

log = logging.getLogger(__name__)

Events = list[tuple[str, Mapping[str, Any]]]
"""Events with their payloads."""


class CommandError(ValueError):
    """A malformed command, for which Discord closes the connection (4002)."""


class CommandWorld(Protocol):
    """The world, as commands need it."""

    def members(self, guild_id: int) -> Sequence[Mapping[str, Any]]:
        """Return the member objects of a guild."""
        ...

    def guild_create(self, guild_id: int) -> Mapping[str, Any]:
        """Return the guild with its channels."""
        ...

    def presence(self, user_id: int, guild_id: int) -> Mapping[str, Any]:
        """Return a member's presence."""
        ...

    def guild_ids(self) -> Collection[int]:
        """Return the guilds that the bot is in."""
        ...

    def set_bot_voice(self, guild_id: int, channel_id: int | None, *, mute: bool, deaf: bool) -> None:
        """Move the bot between voice channels; the world announces VOICE_STATE_UPDATE."""
        ...


class CommandProcessor:
    """Answers opcodes 3, 4, 8, 31 and 43."""

    def __init__(
        self, world: CommandWorld, *, now: Callable[[], float], limits: Callable[[], GatewayLimits]
    ) -> None:
        self._world = world
        self._now = now
        self._limits = limits
        self._whole_guild_at: dict[int, float] = {}
        """When all members of a guild were last requested."""

    def answer(self, session: Session, command: Command) -> Events:
        """Return the events that answer a command. Raises CommandError for a malformed one."""
        match command.op:
            case Op.PRESENCE_UPDATE:
                return self._presence(session, command.d)
            case Op.VOICE_STATE_UPDATE:
                return self._voice(command.d)
            case Op.REQUEST_GUILD_MEMBERS:
                return self._members(session, command.d)
            case Op.REQUEST_SOUNDBOARD_SOUNDS:
                return self._sounds(command.d)
            case _:
                return self._channel_info(command.d)

    def _presence(self, session: Session, d: Mapping[str, Any]) -> Events:
        if d.get("status") not in STATUSES or not isinstance(d.get("activities"), list | None):
            raise CommandError(f"A presence has a status ({', '.join(STATUSES)}) and a list of activities.")
        session.presence = d
        return []

    def _voice(self, d: Mapping[str, Any]) -> Events:
        guild_id, channel_id = self._guild(d.get("guild_id")), _snowflake(d.get("channel_id"))
        if guild_id is None:
            return []
        mute, deaf = bool(d.get("self_mute")), bool(d.get("self_deaf"))
        try:
            self._world.set_bot_voice(guild_id, channel_id, mute=mute, deaf=deaf)
        except NescordError as error:
            # Discord does not answer a command without permission.
            log.warning("The bot's voice state was not changed: %s", error)
        return []  # the events come from the world, and from the voice server

    def _members(self, session: Session, d: Mapping[str, Any]) -> Events:
        guild = d.get("guild_id")
        guild_id = self._guild(guild[0] if isinstance(guild, list) and len(guild) == 1 else guild)
        nonce = d.get("nonce")
        nonce = nonce if isinstance(nonce, str) and len(nonce.encode()) <= MAX_NONCE else None
        query, limit, user_ids = d.get("query"), d.get("limit") or 0, _ids(d.get("user_ids"))
        if query is not None and not user_ids:
            user_ids = None  # clients send an empty list beside a query
        if (query is None) == (user_ids is None) or not isinstance(query, str | None):
            raise CommandError("A request for members has either query or user_ids.")
        if not isinstance(limit, int) or limit < 0:
            raise CommandError("limit must be a whole number, at least 0.")
        if guild_id is None:
            return []
        if query == "" and not limit:
            return self._whole_guild(session, guild_id, nonce, d)
        if user_ids is not None:
            return self._by_id(session, guild_id, user_ids, nonce, d)
        found = [each for each in self._world.members(guild_id) if _name_starts_with(each, query or "")]
        return self._chunks(session, guild_id, found[: min(limit, 100) or 100], nonce, d)

    def _whole_guild(
        self, session: Session, guild_id: int, nonce: str | None, d: Mapping[str, Any]
    ) -> Events:
        if not session.intents & Intents.GUILD_MEMBERS:
            return []  # Discord does not answer without the intent
        now, window = self._now(), self._limits().members_window
        last = self._whole_guild_at.get(guild_id)
        if last is not None and now - last < window:
            meta = {"guild_id": str(guild_id), **({"nonce": nonce} if nonce is not None else {})}
            wait = round(window - (now - last), 3)
            return [("RATE_LIMITED", {"opcode": 8, "retry_after": wait, "meta": meta})]
        self._whole_guild_at[guild_id] = now
        return self._chunks(session, guild_id, self._world.members(guild_id), nonce, d)

    def _by_id(
        self, session: Session, guild_id: int, user_ids: list[int], nonce: str | None, d: Mapping[str, Any]
    ) -> Events:
        if len(user_ids) > MAX_IDS:
            raise CommandError(f"A request may have at most {MAX_IDS} user_ids.")
        by_id = {int(each["user"]["id"]): each for each in self._world.members(guild_id)}
        found = [by_id[each] for each in user_ids if each in by_id]
        missing = [str(each) for each in user_ids if each not in by_id]
        answers = self._chunks(session, guild_id, found, nonce, d)
        if missing:
            event, first = answers[0]
            answers[0] = (event, {**first, "not_found": missing})
        return answers

    def _chunks(
        self,
        session: Session,
        guild_id: int,
        members: Sequence[Mapping[str, Any]],
        nonce: str | None,
        d: Mapping[str, Any],
    ) -> Events:
        parts = [members[at : at + CHUNK_SIZE] for at in range(0, len(members), CHUNK_SIZE)] or [[]]
        presences = bool(d.get("presences")) and bool(session.intents & Intents.GUILD_PRESENCES)
        answers: Events = []
        for index, part in enumerate(parts):
            chunk: dict[str, Any] = {
                "guild_id": str(guild_id),
                "members": list(part),
                "chunk_index": index,
                "chunk_count": len(parts),
            }
            if presences:
                payload = [self._world.presence(int(each["user"]["id"]), guild_id) for each in part]
                chunk["presences"] = [each for each in payload if each["status"] != "offline"]
            if nonce is not None:
                chunk["nonce"] = nonce
            answers.append(("GUILD_MEMBERS_CHUNK", chunk))
        return answers

    def _sounds(self, d: Mapping[str, Any]) -> Events:
        guild_ids = [self._guild(each) for each in _ids(d.get("guild_ids")) or []]
        return [
            (
                "SOUNDBOARD_SOUNDS",
                {"guild_id": str(each), "soundboard_sounds": self._soundboard(each)},
            )
            for each in guild_ids
            if each is not None
        ]

    def _soundboard(self, guild_id: int) -> list[Any]:
        return list(self._world.guild_create(guild_id).get("soundboard_sounds") or ())

    def _channel_info(self, d: Mapping[str, Any]) -> Events:
        guild_id, fields = self._guild(d.get("guild_id")), d.get("fields")
        if not isinstance(fields, list):
            raise CommandError("fields must be a list of names: status, voice_start_time.")
        if guild_id is None:
            return []
        known = [each for each in ("status", "voice_start_time") if each in fields]
        channels = [
            {"id": each["id"], **{name: each[name] for name in known if each.get(name) is not None}}
            for each in self._world.guild_create(guild_id).get("channels") or ()
        ]
        with_info = [each for each in channels if len(each) > 1]
        return [("CHANNEL_INFO", {"guild_id": str(guild_id), "channels": with_info})]

    def _guild(self, raw: object) -> int | None:
        """Return the guild id if the bot is in the guild; for others Discord does not answer."""
        guild_id = _snowflake(raw)
        return guild_id if guild_id is not None and guild_id in self._world.guild_ids() else None


def _snowflake(raw: object) -> int | None:
    if raw is None:
        return None
    if isinstance(raw, bool) or not isinstance(raw, str | int) or not str(raw).isdecimal():
        raise CommandError(f"{raw!r} is not an id.")
    return int(raw)


def _ids(raw: object) -> list[int] | None:
    if raw is None:
        return None
    many = raw if isinstance(raw, list) else [raw]
    return [number for each in many if (number := _snowflake(each)) is not None]


def _name_starts_with(member: Mapping[str, Any], query: str) -> bool:
    user = member["user"]
    names = (member.get("nick"), user.get("global_name"), user.get("username"))
    return any(name.lower().startswith(query.lower()) for name in names if name)
