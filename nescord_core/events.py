"""The names of Discord's gateway events and intents, and the intents that each event needs.

https://discord.com/developers/docs/events/gateway-events#receive-events
https://discord.com/developers/docs/events/gateway#gateway-intents
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from enum import IntFlag, StrEnum, auto
from types import MappingProxyType

__all__ = ["ANY_EVENT", "INTENTS_OF", "EventType", "Intents", "event_names", "event_type", "unreachable"]

ANY_EVENT = "*"
"""Matches every event, including those that Discord adds later."""


class _UpperName(StrEnum):
    @staticmethod
    def _generate_next_value_(name: str, start: int, count: int, last_values: list[str]) -> str:
        return name


class EventType(_UpperName):
    """Every dispatch (opcode 0) that a bot can receive; the value is Discord's own ``t``.

    Hello, Reconnect and Invalid Session are opcodes of their own, handled at the gateway connection.
    """

    READY = auto()
    RESUMED = auto()
    RATE_LIMITED = auto()
    APPLICATION_COMMAND_PERMISSIONS_UPDATE = auto()
    AUTO_MODERATION_RULE_CREATE = auto()
    AUTO_MODERATION_RULE_UPDATE = auto()
    AUTO_MODERATION_RULE_DELETE = auto()
    AUTO_MODERATION_ACTION_EXECUTION = auto()
    CHANNEL_CREATE = auto()
    CHANNEL_UPDATE = auto()
    CHANNEL_DELETE = auto()
    CHANNEL_INFO = auto()
    CHANNEL_PINS_UPDATE = auto()
    THREAD_CREATE = auto()
    THREAD_UPDATE = auto()
    THREAD_DELETE = auto()
    THREAD_LIST_SYNC = auto()
    THREAD_MEMBER_UPDATE = auto()
    THREAD_MEMBERS_UPDATE = auto()
    ENTITLEMENT_CREATE = auto()
    ENTITLEMENT_UPDATE = auto()
    ENTITLEMENT_DELETE = auto()
    GUILD_CREATE = auto()
    GUILD_UPDATE = auto()
    GUILD_DELETE = auto()
    GUILD_AUDIT_LOG_ENTRY_CREATE = auto()
    GUILD_BAN_ADD = auto()
    GUILD_BAN_REMOVE = auto()
    GUILD_EMOJIS_UPDATE = auto()
    GUILD_STICKERS_UPDATE = auto()
    GUILD_INTEGRATIONS_UPDATE = auto()
    GUILD_JOIN_REQUEST_CREATE = auto()
    GUILD_JOIN_REQUEST_UPDATE = auto()
    GUILD_JOIN_REQUEST_DELETE = auto()
    GUILD_MEMBER_ADD = auto()
    GUILD_MEMBER_REMOVE = auto()
    GUILD_MEMBER_UPDATE = auto()
    GUILD_MEMBERS_CHUNK = auto()
    GUILD_ROLE_CREATE = auto()
    GUILD_ROLE_UPDATE = auto()
    GUILD_ROLE_DELETE = auto()
    GUILD_SCHEDULED_EVENT_CREATE = auto()
    GUILD_SCHEDULED_EVENT_UPDATE = auto()
    GUILD_SCHEDULED_EVENT_DELETE = auto()
    GUILD_SCHEDULED_EVENT_USER_ADD = auto()
    GUILD_SCHEDULED_EVENT_USER_REMOVE = auto()
    GUILD_SCHEDULED_EVENT_EXCEPTION_CREATE = auto()
    GUILD_SCHEDULED_EVENT_EXCEPTION_UPDATE = auto()
    GUILD_SCHEDULED_EVENT_EXCEPTION_DELETE = auto()
    GUILD_SCHEDULED_EVENT_EXCEPTIONS_DELETE = auto()
    GUILD_SOUNDBOARD_SOUND_CREATE = auto()
    GUILD_SOUNDBOARD_SOUND_UPDATE = auto()
    GUILD_SOUNDBOARD_SOUND_DELETE = auto()
    GUILD_SOUNDBOARD_SOUNDS_UPDATE = auto()
    SOUNDBOARD_SOUNDS = auto()
    INTEGRATION_CREATE = auto()
    INTEGRATION_UPDATE = auto()
    INTEGRATION_DELETE = auto()
    INTERACTION_CREATE = auto()
    INVITE_CREATE = auto()
    INVITE_DELETE = auto()
    MESSAGE_CREATE = auto()
    MESSAGE_UPDATE = auto()
    MESSAGE_DELETE = auto()
    MESSAGE_DELETE_BULK = auto()
    MESSAGE_REACTION_ADD = auto()
    MESSAGE_REACTION_REMOVE = auto()
    MESSAGE_REACTION_REMOVE_ALL = auto()
    MESSAGE_REACTION_REMOVE_EMOJI = auto()
    MESSAGE_POLL_VOTE_ADD = auto()
    MESSAGE_POLL_VOTE_REMOVE = auto()
    PRESENCE_UPDATE = auto()
    STAGE_INSTANCE_CREATE = auto()
    STAGE_INSTANCE_UPDATE = auto()
    STAGE_INSTANCE_DELETE = auto()
    SUBSCRIPTION_CREATE = auto()
    SUBSCRIPTION_UPDATE = auto()
    SUBSCRIPTION_DELETE = auto()
    TYPING_START = auto()
    USER_UPDATE = auto()
    VOICE_CHANNEL_EFFECT_SEND = auto()
    VOICE_CHANNEL_START_TIME_UPDATE = auto()
    VOICE_CHANNEL_STATUS_UPDATE = auto()
    VOICE_STATE_UPDATE = auto()
    VOICE_SERVER_UPDATE = auto()
    WEBHOOKS_UPDATE = auto()


class Intents(IntFlag):
    """The bits of IDENTIFY's ``intents``. Bits without a name in this version are kept, not rejected."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_MODERATION = 1 << 2
    GUILD_EXPRESSIONS = 1 << 3
    GUILD_INTEGRATIONS = 1 << 4
    GUILD_WEBHOOKS = 1 << 5
    GUILD_INVITES = 1 << 6
    GUILD_VOICE_STATES = 1 << 7
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15
    GUILD_SCHEDULED_EVENTS = 1 << 16
    AUTO_MODERATION_CONFIGURATION = 1 << 20
    AUTO_MODERATION_EXECUTION = 1 << 21
    GUILD_MESSAGE_POLLS = 1 << 24
    DIRECT_MESSAGE_POLLS = 1 << 25

    # Former names in Discord's documentation, for the same bits.
    GUILD_BANS = GUILD_MODERATION
    GUILD_EMOJIS_AND_STICKERS = GUILD_EXPRESSIONS

    @classmethod
    def none(cls) -> Intents:
        """Return no intents: for a bot that uses interactions only."""
        return cls(0)

    @classmethod
    def all(cls) -> Intents:
        """Return every named intent, including the privileged ones."""
        return cls(sum(member.value for member in cls))

    @classmethod
    def privileged(cls) -> Intents:
        """Return the three that the Developer Portal must allow; otherwise Discord closes with 4014."""
        return cls.GUILD_MEMBERS | cls.GUILD_PRESENCES | cls.MESSAGE_CONTENT

    @classmethod
    def default(cls) -> Intents:
        """Return every intent that needs no approval."""
        return cls.all() & ~cls.privileged()

    @property
    def names(self) -> tuple[str, ...]:
        """Discord's names of the set bits; bits without a name as ``1 << n``."""
        bits = (1 << n for n in range(self.value.bit_length()) if self.value >> n & 1)
        return tuple(Intents(bit).name or f"1 << {bit.bit_length() - 1}" for bit in bits)

    @classmethod
    def parse(cls, text: str | int | Iterable[str | int]) -> Intents:
        """Parse ``guilds,guild_messages``, ``1,512`` (single bits), ``33281`` (a sum of bits) or a list.

        ``all``, ``default`` and ``none`` are names as well. Raises ValueError with a suggestion.
        """
        if isinstance(text, int):
            return _whole(text)
        parts = [part.strip() if isinstance(part, str) else part for part in _split(text)]
        if len(parts) == 1:
            return _whole(int(parts[0])) if _is_number(parts[0]) else _named(str(parts[0]))
        found = cls(0)
        for part in parts:
            found |= _bit(int(part)) if _is_number(part) else _named(str(part))
        return found


def _split(text: str | Iterable[str | int]) -> list[str | int]:
    parts = text.split(",") if isinstance(text, str) else list(text)
    return [part for part in parts if not (isinstance(part, str) and not part.strip())]


def _is_number(part: str | int) -> bool:
    return isinstance(part, int) or part.removeprefix("-").isdecimal()


def _whole(number: int) -> Intents:
    # Discord reads intents as a JSON number, which is exact up to 53 bits only.
    if not 0 <= number < 1 << 53:
        raise ValueError(f"{number} is not a sum of intent bits: it must be from 0 to 2**53 - 1.")
    return Intents(number)


def _bit(number: int) -> Intents:
    if number.bit_count() != 1 or number < 0:
        raise ValueError(
            f"{number} is not a single intent bit (1, 2, 4, ... 33554432); "
            "in a list, numbers must be single bits; a sum of bits must stand alone."
        )
    return _whole(number)


def _named(name: str) -> Intents:
    found = _INTENT_NAMES.get(_compact(name))
    if found is None:
        near = _nearest(name, {_compact(each): each.lower() for each in Intents.__members__})
        raise ValueError(f"There is no intent named {name!r}.{near}")
    return found


def _compact(name: str) -> str:
    """Normalize a name: ``message_create``, ``MESSAGE_CREATE`` and ``messageCreate`` are equal."""
    return name.replace("_", "").replace("-", "").lower()


def _nearest(name: str, known: Mapping[str, str]) -> str:
    near = difflib.get_close_matches(_compact(name), known, n=3, cutoff=0.6)
    return f" Did you mean {' or '.join(known[each] for each in near)}?" if near else ""


_INTENT_NAMES: Mapping[str, Intents] = {
    **{_compact(name): member for name, member in Intents.__members__.items()},
    "all": Intents.all(),
    "default": Intents.default(),
    "none": Intents.none(),
}
_EVENT_NAMES: Mapping[str, EventType] = {_compact(each): each for each in EventType}


def event_type(name: str) -> EventType:
    """Return the event with a name like ``message_create``, ``MESSAGE_CREATE`` or ``messageCreate``.

    Raises ValueError, with the nearest names, if there is none.
    """
    found = _EVENT_NAMES.get(_compact(name.strip()))
    if found is None:
        near = _nearest(name, {key: each.lower() for key, each in _EVENT_NAMES.items()})
        raise ValueError(f"There is no gateway event named {name!r}.{near}")
    return found


def event_names(names: str | Iterable[str]) -> frozenset[str] | None:
    """Parse the ``bot.events`` setting: ``*`` (or nothing) is None for all, otherwise upper-case names.

    Takes a comma-separated string or a list. Raises ValueError for an unknown event.
    """
    parts = names.split(",") if isinstance(names, str) else list(names)
    wanted = [part.strip() for part in parts if part.strip()]
    if not wanted or ANY_EVENT in wanted:
        return None
    return frozenset(event_type(name).value for name in wanted)


_BY_INTENT: Mapping[Intents, str] = {
    Intents.GUILDS: """GUILD_CREATE GUILD_UPDATE GUILD_DELETE GUILD_ROLE_CREATE GUILD_ROLE_UPDATE
        GUILD_ROLE_DELETE CHANNEL_CREATE CHANNEL_UPDATE CHANNEL_DELETE CHANNEL_PINS_UPDATE THREAD_CREATE
        THREAD_UPDATE THREAD_DELETE THREAD_LIST_SYNC THREAD_MEMBER_UPDATE THREAD_MEMBERS_UPDATE
        STAGE_INSTANCE_CREATE STAGE_INSTANCE_UPDATE STAGE_INSTANCE_DELETE VOICE_CHANNEL_STATUS_UPDATE
        VOICE_CHANNEL_START_TIME_UPDATE""",
    Intents.GUILD_MEMBERS: "GUILD_MEMBER_ADD GUILD_MEMBER_UPDATE GUILD_MEMBER_REMOVE THREAD_MEMBERS_UPDATE",
    Intents.GUILD_MODERATION: "GUILD_AUDIT_LOG_ENTRY_CREATE GUILD_BAN_ADD GUILD_BAN_REMOVE",
    Intents.GUILD_EXPRESSIONS: """GUILD_EMOJIS_UPDATE GUILD_STICKERS_UPDATE GUILD_SOUNDBOARD_SOUND_CREATE
        GUILD_SOUNDBOARD_SOUND_UPDATE GUILD_SOUNDBOARD_SOUND_DELETE GUILD_SOUNDBOARD_SOUNDS_UPDATE""",
    Intents.GUILD_INTEGRATIONS: """GUILD_INTEGRATIONS_UPDATE INTEGRATION_CREATE INTEGRATION_UPDATE
        INTEGRATION_DELETE""",
    Intents.GUILD_WEBHOOKS: "WEBHOOKS_UPDATE",
    Intents.GUILD_INVITES: "INVITE_CREATE INVITE_DELETE",
    Intents.GUILD_VOICE_STATES: "VOICE_CHANNEL_EFFECT_SEND VOICE_STATE_UPDATE",
    Intents.GUILD_PRESENCES: "PRESENCE_UPDATE",
    Intents.GUILD_MESSAGES: "MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE MESSAGE_DELETE_BULK",
    Intents.GUILD_MESSAGE_REACTIONS: """MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE
        MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI""",
    Intents.GUILD_MESSAGE_TYPING: "TYPING_START",
    Intents.DIRECT_MESSAGES: "MESSAGE_CREATE MESSAGE_UPDATE MESSAGE_DELETE CHANNEL_PINS_UPDATE",
    Intents.DIRECT_MESSAGE_REACTIONS: """MESSAGE_REACTION_ADD MESSAGE_REACTION_REMOVE
        MESSAGE_REACTION_REMOVE_ALL MESSAGE_REACTION_REMOVE_EMOJI""",
    Intents.DIRECT_MESSAGE_TYPING: "TYPING_START",
    Intents.GUILD_SCHEDULED_EVENTS: """GUILD_SCHEDULED_EVENT_CREATE GUILD_SCHEDULED_EVENT_UPDATE
        GUILD_SCHEDULED_EVENT_DELETE GUILD_SCHEDULED_EVENT_USER_ADD GUILD_SCHEDULED_EVENT_USER_REMOVE
        GUILD_SCHEDULED_EVENT_EXCEPTION_CREATE GUILD_SCHEDULED_EVENT_EXCEPTION_UPDATE
        GUILD_SCHEDULED_EVENT_EXCEPTION_DELETE GUILD_SCHEDULED_EVENT_EXCEPTIONS_DELETE""",
    Intents.AUTO_MODERATION_CONFIGURATION: """AUTO_MODERATION_RULE_CREATE AUTO_MODERATION_RULE_UPDATE
        AUTO_MODERATION_RULE_DELETE""",
    Intents.AUTO_MODERATION_EXECUTION: "AUTO_MODERATION_ACTION_EXECUTION",
    Intents.GUILD_MESSAGE_POLLS: "MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE",
    Intents.DIRECT_MESSAGE_POLLS: "MESSAGE_POLL_VOTE_ADD MESSAGE_POLL_VOTE_REMOVE",
}


def _intents_of() -> dict[EventType, Intents]:
    table = {each: Intents(0) for each in EventType}
    for intent, names in _BY_INTENT.items():
        for name in names.split():
            table[EventType[name]] |= intent
    return table


INTENTS_OF: Mapping[EventType, Intents] = MappingProxyType(_intents_of())
"""The intents of each event: any one of them is enough, and 0 means that it is always sent."""


def unreachable(events: Iterable[str], intents: int) -> dict[EventType, Intents]:
    """Return the events that these intents never bring, each with the intents that would."""
    wanted = [event_type(name) for name in events if name != ANY_EVENT]
    return {each: INTENTS_OF[each] for each in wanted if INTENTS_OF[each] and not INTENTS_OF[each] & intents}
