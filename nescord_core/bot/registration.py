"""Validates and stores which functions a bot registers for which event."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from nescord_core.bot.event_names.foreign import event_elsewhere
from nescord_core.errors import EntryError
from nescord_core.events import ANY_EVENT, EventType, event_type
from nescord_core.payloads.base import View

__all__ = ["Registration", "Route", "event_named", "place_of", "registration", "route_for"]

Function = Callable[..., Any]


@dataclass(frozen=True, slots=True)
class Registration:
    """A handler of an event. ``place`` is its file and line; ``wants_event``: it takes a second argument."""

    event: str
    function: Function
    name: str
    place: str
    is_async: bool
    wants_event: bool
    ordered: bool

    def call(self, payload: View) -> Any:
        """Call the function; return what it returns, a coroutine for an asynchronous one."""
        return self.function(payload, payload.event) if self.wants_event else self.function(payload)


@dataclass(frozen=True, slots=True)
class Route:
    """All handlers of one event, in the order of registration.

    ``slots`` counts the asynchronous ones; ``exclusive`` blocks later events of the same key.
    """

    registrations: tuple[Registration, ...]
    slots: int
    exclusive: bool


def route_for(event: str, registrations: Iterable[Registration]) -> Route:
    """Return the handlers of an event, given by Discord's name, known or not."""
    matching = tuple(each for each in registrations if each.event in (event, ANY_EVENT))
    slots = sum(each.is_async for each in matching)
    # Including plain functions: a decorated one may return a coroutine.
    return Route(matching, slots, any(each.ordered for each in matching))


def event_named(name: str | EventType, place: str) -> str:
    """Return Discord's name of the event, or ``*``. Raises EntryError with the place."""
    if name == ANY_EVENT:
        return ANY_EVENT
    try:
        return event_type(name).value
    except ValueError as wrong:
        if elsewhere := event_elsewhere(name):
            raise EntryError(
                f"{place}: there is no gateway event named {name!r}.",
                hint=f'discord.py calls {elsewhere} so. Write @listener.on("{elsewhere.lower()}").',
            ) from wrong
        raise EntryError(
            f"{place}: {wrong}",
            hint='For events newer than this version use listener.on("*").',
        ) from wrong


def registration(event: str | EventType, function: Function, *, ordered: bool) -> Registration:
    """Validate a function and describe it. Raises EntryError with the file and line."""
    place = place_of(function)
    name = getattr(function, "__qualname__", type(function).__qualname__)
    parameters = _positional(function, name, place)
    if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
        raise EntryError(f"{place}: {name} contains `yield`; a handler must be a plain or an async function.")
    return Registration(
        event=event_named(event, place),
        function=function,
        name=name,
        place=place,
        is_async=is_async(function),
        wants_event=parameters == 2,
        ordered=ordered,
    )


def is_async(function: Function) -> bool:
    """Return whether a call returns a coroutine: async functions, partials of one, async ``__call__``."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(
        getattr(type(function), "__call__", None)  # noqa: B004 - not whether it is callable, but how
    )


def place_of(function: Function) -> str:
    """Return ``file:line`` of a function where possible, otherwise its repr."""
    inner = inspect.unwrap(function)
    inner = getattr(inner, "func", inner)  # functools.partial
    code = getattr(inner, "__code__", None)
    return f"{code.co_filename}:{code.co_firstlineno}" if code else repr(function)


def _positional(function: Function, name: str, place: str) -> int:
    """Return the number of arguments to call it with: 1 (payload) or 2 (payload, event)."""
    shape = inspect.signature(function)
    parameters = list(shape.parameters.values())
    if parameters and parameters[0].name == "self" and inspect.isfunction(function) and "." in name:
        raise EntryError(
            f"{place}: {name} is a method of a class, not of an instance.",
            hint="Register the bound method: listener.on(...)(instance.method).",
        )
    needed = [
        each
        for each in parameters
        if each.default is each.empty and each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)
    ]
    keywords = [each for each in parameters if each.kind is each.KEYWORD_ONLY and each.default is each.empty]
    takes_any = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    if keywords or len(needed) > 2 or (not needed and not takes_any and not _takes_one(shape)):
        raise EntryError(
            f"{place}: {name}{shape} cannot be a handler.",
            hint="A handler takes the payload, or the payload and the event: (message) or (message, event).",
        )
    return 2 if len(needed) == 2 else 1


def _takes_one(shape: inspect.Signature) -> bool:
    try:
        shape.bind(None)
    except TypeError:
        return False
    return True
