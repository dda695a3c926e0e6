"""Typed views of an event's JSON; a field is decoded on first access.

A class lists Discord's own field names as annotations::

    class Role(View):
        id: int
        name: str
        icon: str | None

Ids and permission bit sets, which Discord sends as strings, are annotated and returned as int. Nested objects
and lists of objects become views, a known field that is absent is None, and a field that is not listed is
read from the JSON all the same. A decoded value is stored in the instance's ``__dict__``, where the next
access finds it at the speed of a plain attribute.
"""

from __future__ import annotations

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any, NamedTuple, Self

import msgspec

from nescord_core.envelope import Envelope
from nescord_core.events import EventType
from nescord_core.snowflake import created_at, created_at_ms

__all__ = ["STALE_AFTER", "EventInfo", "Identified", "Payload", "View"]

STALE_AFTER = 3.0
"""Seconds within which an interaction must be answered.

https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-callback
"""

_Convert = Callable[[Any], Any]
_EVENT_TYPES: Mapping[str, EventType] = {each.value: each for each in EventType}
# Never shown by repr, as reprs end up in logs.
_SECRET = frozenset({"token", "email", "session_id"})
_MILLISECONDS_FROM = 100_000_000_000


class EventInfo(NamedTuple):
    """The origin of an event.

    Its identity is (``shard_id``, ``session_id``, ``seq``). ``guild_id`` is None for events without a guild.
    ``received_at`` (by ws) and ``delivered_at`` (to the handler) are in seconds since the epoch.
    ``redelivered`` is true if the event was delivered before, so that its handlers may have run partly or
    completely. ``stale`` is true for an interaction that can no longer be answered, as its 3 seconds are
    over.
    """

    type: str
    shard_id: int
    session_id: str
    seq: int
    guild_id: int | None
    redelivered: bool
    received_at: float
    delivered_at: float
    stale: bool

    @property
    def id(self) -> str:
        """The event's id for people, which `nescord events failed` shows and `replay` takes."""
        return f"{self.shard_id}-{self.session_id[-6:]}-{self.seq}"

    @property
    def age(self) -> float:
        """Seconds from receipt by ws to delivery to the handler; 0 if their clocks disagree."""
        return max(0.0, self.delivered_at - self.received_at)


class View:
    """The content of an event, or an object within it; the base of all classes that list fields.

    ``Message({...})`` wraps decoded JSON (of an HTTP response, or in a test); events use `View.of`.
    """

    raw: dict[str, Any]
    event: EventInfo
    _envelope: Envelope
    _now: float

    def __init__(self, raw: dict[str, Any] | None = None) -> None:
        self.__dict__["raw"] = {} if raw is None else raw

    @classmethod
    def of(cls, envelope: Envelope, now: float) -> Self:
        """Create an event's payload, delivered at ``now`` (seconds since the epoch), without decoding it."""
        self = cls.__new__(cls)
        self._envelope = envelope
        self._now = now
        return self

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        for name in inspect.get_annotations(cls):
            if not name.startswith("_") and name not in cls.__dict__:
                setattr(cls, name, _Field(name, cls))

    if not TYPE_CHECKING:  # otherwise mypy would accept every misspelt field as an unlisted one

        def __getattr__(self, name: str) -> Any:
            if not name.startswith("_") and name in self.raw:
                value = self.__dict__[name] = _guess(name, self.raw[name])
                return value
            if name == "event":
                text = (
                    f"this {type(self).__name__} is part of a payload; ask the payload itself for its event"
                )
                raise AttributeError(text, name=name, obj=self)
            # Python adds "Did you mean" from `dir`, which includes the JSON's names.
            raise AttributeError(f"{type(self).__name__} has no field {name!r}", name=name, obj=self)

    def __getitem__(self, name: str) -> Any:
        raw = self.raw
        if name not in raw:
            raise KeyError(name)
        own = getattr(type(self), name, None)
        if name.startswith("_") or not (own is None or isinstance(own, (_Field, cached_property, property))):
            return _guess(name, raw[name])  # a field with the name of a method
        return getattr(self, name)

    def __contains__(self, name: object) -> bool:
        return name in self.raw

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.raw})

    def __repr__(self) -> str:
        shown = [
            f"{name}={value!r}"
            for name, value in self.raw.items()
            if name not in _SECRET and isinstance(value, str | int | float) and len(str(value)) <= 60
        ]
        return f"<{' '.join([type(self).__name__, *shown[:5]])}>"

    def time(self, name: str) -> datetime | None:
        """Return that field as an aware datetime, None when it is absent or null.

        Timestamps are ISO 8601 strings in most fields, seconds or milliseconds since the epoch in others.
        """
        value = getattr(self, name)
        if value is None:
            return None
        if isinstance(value, int | float):
            return datetime.fromtimestamp(value / 1000 if value >= _MILLISECONDS_FROM else value, tz=UTC)
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


class Payload(View):
    """An event or object without a class of its own; type checkers accept any field."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...


class _Raw:
    """``payload.raw``, the decoded JSON: a non-data descriptor, so it runs once per instance."""

    def __get__(self, instance: View | None, owner: type) -> Any:
        if instance is None:
            return self
        decoded = msgspec.json.decode(instance._envelope.data)
        # A null (RESUMED) or a list has no fields.
        raw = instance.__dict__["raw"] = decoded if isinstance(decoded, dict) else {}
        return raw


class _Event:
    """``payload.event``; only the payload of an event has one, not the objects within it."""

    def __get__(self, instance: View | None, owner: type) -> Any:
        if instance is None:
            return self
        envelope, now = instance.__dict__.get("_envelope"), instance.__dict__.get("_now", 0.0)
        if envelope is None:
            raise AttributeError(name="event", obj=instance)  # `__getattr__` provides the message
        info = instance.__dict__["event"] = EventInfo(
            _EVENT_TYPES.get(envelope.type, envelope.type),
            envelope.shard_id,
            envelope.session_id,
            envelope.seq,
            envelope.guild_id or None,
            envelope.redelivered,
            envelope.received_at,
            now,
            envelope.type == EventType.INTERACTION_CREATE and _is_stale(instance.raw, envelope, now),
        )
        return info


# Set here rather than in the class body, so that type checkers see plain attributes.
View.raw = _Raw()  # type: ignore[assignment]  # a descriptor that returns this type
View.event = _Event()  # type: ignore[assignment]


def _is_stale(raw: Mapping[str, Any], envelope: Envelope, now: float) -> bool:
    # A RESUME brings old events with a new time of receipt; an interaction's id has its true age. For a first
    # delivery the receipt is the better clock, since Discord's clock and ours may differ by seconds.
    began = envelope.received_at
    if envelope.redelivered and "id" in raw:
        began = min(began, created_at_ms(int(raw["id"])) / 1000)
    return now - began > STALE_AFTER


class _Field:
    """One field of a view; a non-data descriptor, so it runs once per instance."""

    __slots__ = ("_convert", "_name", "_owner")

    def __init__(self, name: str, owner: type[View]) -> None:
        self._name = name
        self._owner: Any = owner  # as Any, because mypy considers `type[View]` unhashable
        self._convert: _Convert | None = None

    def __get__(self, instance: View | None, owner: type) -> Any:
        if instance is None:
            return self
        value = instance.raw.get(self._name)
        if value is not None:
            if self._convert is None:
                self._convert = _converter(_hints(self._owner)[self._name])
            value = self._convert(value)
        instance.__dict__[self._name] = value
        return value


@cache
def _hints(owner: type) -> Mapping[str, Any]:
    return typing.get_type_hints(owner)


def _converter(hint: Any) -> _Convert:
    """Return the converter from JSON to a field's value; values of another shape pass unchanged."""
    hint = _without_none(hint)
    origin, args = typing.get_origin(hint), typing.get_args(hint)
    if hint is int:
        return _as_int
    if isinstance(hint, type) and issubclass(hint, View):
        return lambda value: hint(value) if isinstance(value, dict) else value
    if origin is list:
        item = _converter(args[0])
        return lambda value: [item(each) for each in value] if isinstance(value, list) else value
    if origin is dict:
        key, item = _converter(args[0]), _converter(args[1])
        return lambda value: {key(k): item(v) for k, v in value.items()} if isinstance(value, dict) else value
    return _wrap if hint is Any else _as_it_is


def _without_none(hint: Any) -> Any:
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        rest = [each for each in typing.get_args(hint) if each is not types.NoneType]
        return rest[0] if len(rest) == 1 else str
    return hint


def _as_it_is(value: Any) -> Any:
    return value


def _as_int(value: Any) -> Any:
    return int(value) if isinstance(value, str) and value.lstrip("-").isdecimal() else value


def _wrap(value: Any) -> Any:
    if isinstance(value, dict):
        return Payload(value)
    return [_wrap(each) for each in value] if isinstance(value, list) else value


def _guess(name: str, value: Any) -> Any:
    """Convert a field that no class lists: an object becomes a view, a snowflake an int."""
    if name == "id" or (name.endswith("_id") and name != "custom_id"):
        return int(value) if _looks_like_snowflake(value) else _wrap(value)
    if name.endswith("_ids") and isinstance(value, list):
        return [int(each) if _looks_like_snowflake(each) else each for each in value]
    return _wrap(value)


def _looks_like_snowflake(value: Any) -> bool:
    return isinstance(value, str) and 15 <= len(value) <= 20 and value.isdecimal()


class Identified(View):
    """An object with a snowflake of its own."""

    id: int

    @property
    def created_at(self) -> datetime:
        """When it was created, which its id tells, in UTC."""
        return created_at(self.id)
