"""The event of a handler that is registered without one: by the function's name, or by its annotation."""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from typing import Any

from nescord_core.errors import EntryError
from nescord_core.events import EventType, event_type
from nescord_core.payloads.table import PAYLOADS

__all__ = ["event_of", "not_an_event"]


def event_of(function: Callable[..., Any], place: str) -> EventType:
    """Return the event that a function is meant for. Raises EntryError if it does not tell."""
    possible = events_with(_annotation(function))
    named = _by_name(function)
    if named is not None and (not possible or named in possible):
        return named
    if len(possible) == 1:
        return possible[0]
    name = getattr(function, "__name__", "the handler")
    if not possible:
        raise EntryError(
            f"{place}: {name} does not say which event it handles.",
            hint='Write @listener.on("message_create"), or annotate the first parameter with its payload.',
        )
    raise EntryError(
        f"{place}: {name} could handle {_listed(possible)}.",
        hint=f'Write @listener.on("{possible[0].lower()}"), or name the function on_{possible[0].lower()}.',
    )


def events_with(payload: Any) -> list[EventType]:
    """Return the events whose payload is of this class."""
    return [event for event, cls in PAYLOADS.items() if cls is payload]


def not_an_event(value: object, place: str) -> EntryError:
    """Return the error for `@listener.on` without parentheses, or with something else in them."""
    if not callable(value) or isinstance(value, type):
        return EntryError(
            f"{place}: {value!r} is not an event.", hint='Write @listener.on("message_create").'
        )
    try:
        event = event_of(value, place)
    except EntryError:
        event = EventType.MESSAGE_CREATE
    return EntryError(
        f"{place}: `on` is missing its parentheses.", hint=f'Write @listener.on("{event.lower()}").'
    )


def _by_name(function: Callable[..., Any]) -> EventType | None:
    name = getattr(function, "__name__", "")
    try:
        return event_type(name.removeprefix("on_"))
    except ValueError:
        return None


def _annotation(function: Callable[..., Any]) -> Any:
    """Return the annotation of the first parameter, None if there is none."""
    try:
        parameters = list(inspect.signature(function).parameters)
        return typing.get_type_hints(function).get(parameters[0]) if parameters else None
    except (NameError, TypeError, ValueError):
        return None  # imported under TYPE_CHECKING only, or no Python function


def _listed(events: list[EventType]) -> str:
    names = [event.lower() for event in events]
    return f"{', '.join(names[:-1])} or {names[-1]}"
