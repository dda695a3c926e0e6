"""`WsListener`: registers a bot's handlers for gateway events."""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any, TypeVar

from nescord_core.bot.event_names.inferred import event_of, not_an_event
from nescord_core.bot.event_names.typed_events import TypedEvents
from nescord_core.bot.gateway.client import Gateway
from nescord_core.bot.registration import Registration, Route, place_of, registration, route_for
from nescord_core.bot.state import State
from nescord_core.errors import ConfigError, EntryError, NescordError
from nescord_core.events import EventType
from nescord_core.settings import MainSettings

__all__ = ["WsListener"]

F = TypeVar("F", bound=Callable[..., Any])


class WsListener(TypedEvents):
    """Registers handlers and runs them on the events that ws delivers.

    ``grpc_host`` is the address to listen on (``host:port``); None uses the configuration. With ``ordered``
    every asynchronous handler is ordered unless its ``on`` says otherwise. ``drain_timeout`` (seconds) and
    ``concurrency`` (concurrent asynchronous handlers) override the configuration.
    """

    def __init__(
        self,
        grpc_host: str | None = None,
        *,
        ordered: bool = False,
        drain_timeout: float | None = None,
        concurrency: int | None = None,
    ) -> None:
        self.grpc_host = grpc_host
        self.ordered = ordered
        self.drain_timeout = drain_timeout
        self.concurrency = concurrency
        self.gateway = Gateway()
        self.state = State()
        self.start_hooks: list[Callable[[], Any]] = []
        self.drain_hooks: list[Callable[[], Any]] = []
        self.leave_hooks: list[Callable[[], Any]] = []
        """Called during a drain, after the last event has arrived and while handlers still run."""
        self.clock_hooks: list[Callable[[float], Any]] = []
        """Called with the seconds by which the clock of the bot's sandbox moves on."""
        self.picture: Callable[[Any], Awaitable[None]] | None = None
        """Awaited with ws's snapshot of its shards, for a bot with a cache of its own."""
        self.running: Callable[[], list[str]] | None = None
        """Returns the names of the functions that run, where one handler stands for a library's."""
        self.about: Callable[[], str] | None = None
        """Returns what a library's bot handles, for people."""
        self._registrations: list[Registration] = []
        self._routes: dict[str, Route] = {}

    def _on(self, event: str | EventType | None, *, ordered: bool | None) -> Callable[[F], F]:
        if event is not None and not isinstance(event, str):
            raise not_an_event(event, place_of(event))

        def register(function: F) -> F:
            named = event_of(function, place_of(function)) if event is None else event
            described = registration(named, function, ordered=self.ordered if ordered is None else ordered)
            self._registrations.append(described)
            self._routes.clear()
            return function

        return register

    def on_start(self, function: F) -> F:
        """Register a function (async or plain, no parameters) to run before the first event is accepted."""
        self.start_hooks.append(_hook(function))
        return function

    def on_drain(self, function: F) -> F:
        """Register a function (async or plain, no parameters) to run after the last handler has finished."""
        self.drain_hooks.append(_hook(function))
        return function

    @property
    def registrations(self) -> tuple[Registration, ...]:
        """Everything registered, in order."""
        return tuple(self._registrations)

    def route(self, event: str) -> Route:
        """Return the handlers of an event."""
        found = self._routes.get(event)
        if found is None:
            found = self._routes[event] = route_for(event, self._registrations)
        return found

    def settings(self, settings: MainSettings) -> MainSettings:
        """Return the settings, overridden by the constructor's arguments."""
        changes: dict[str, Any] = {}
        if self.grpc_host is not None:
            changes["listen_host"], changes["listen_port"] = _host_and_port(self.grpc_host)
        if self.drain_timeout is not None:
            changes["drain_timeout"] = self.drain_timeout
        if self.concurrency is not None:
            changes["concurrency"] = self.concurrency
        return replace(settings, **changes)

    def run(self) -> None:
        """Listen for events until SIGTERM, SIGINT or SIGHUP, then finish the running handlers and return.

        Settings that the constructor does not have come from nescord.toml, .env and the environment. On an
        error it prints one readable paragraph to stderr and exits with the error's exit code.
        """
        from nescord_core import config
        from nescord_core.bot.process import run

        try:
            run(self, self.settings(config.load().main))
        except NescordError as error:
            print(f"nescord: {error}", file=sys.stderr)
            raise SystemExit(error.exit_code) from None


def _hook(function: F) -> F:
    if not callable(function):
        raise EntryError(f"{function!r} is not a function; write @listener.on_start without parentheses.")
    code = getattr(function, "__code__", None)
    if code is not None and code.co_argcount - len(function.__defaults__ or ()) > hasattr(
        function, "__self__"
    ):
        raise EntryError(f"{place_of(function)}: {function.__qualname__} must take no parameters.")
    return function


def _host_and_port(address: str) -> tuple[str, int]:
    host, colon, port = address.rpartition(":")
    if not colon or not host or not port.isdecimal() or int(port) > 65535:
        raise ConfigError(
            f"{address!r} is not HOST:PORT.", where="WsListener(grpc_host=...)", hint="Write 127.0.0.1:7410."
        )
    return host.strip("[]"), int(port)
