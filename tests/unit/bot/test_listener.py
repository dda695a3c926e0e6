from __future__ import annotations

import functools
from typing import Any

import pytest

from nescord_core import WsListener
from nescord_core.errors import ConfigError, EntryError, GatewayCommandError
from nescord_core.events import EventType
from nescord_core.settings import MainSettings


async def async_handler(message: Any) -> None: ...


def plain_handler(message: Any, event: Any) -> None: ...


def names(listener: WsListener, event: str) -> list[str]:
    return [each.name for each in listener.route(event).registrations]


def test_every_spelling_registers_for_the_same_event() -> None:
    listener = WsListener()
    for spelling in ("message_create", "MESSAGE_CREATE", "messageCreate", EventType.MESSAGE_CREATE):
        listener.on(spelling)(async_handler)
    assert names(listener, "MESSAGE_CREATE") == ["async_handler"] * 4
    assert names(listener, "MESSAGE_UPDATE") == []


def test_handlers_are_called_in_the_order_of_registration_and_the_star_gets_all() -> None:
    listener = WsListener()
    listener.on("*")(plain_handler)
    listener.on("ready")(async_handler)
    assert names(listener, "READY") == ["plain_handler", "async_handler"]
    assert names(listener, "SOMETHING_NEW") == ["plain_handler"]
    assert [each.wants_event for each in listener.registrations] == [True, False]


def test_on_can_be_stacked_and_gives_the_function_back() -> None:
    listener = WsListener()

    @listener.on("guild_create")
    @listener.on("guild_update")
    async def both(guild: Any) -> int:
        return 5

    assert names(listener, "GUILD_CREATE") == names(listener, "GUILD_UPDATE")
    assert both.__name__ == "both"


def test_slots_count_asynchronous_handlers_and_any_ordered_one_makes_the_event_exclusive() -> None:
    listener = WsListener()
    listener.on("ready")(plain_handler)
    assert (listener.route("READY").slots, listener.route("READY").exclusive) == (0, False)
    listener.on("ready")(async_handler)
    assert (listener.route("READY").slots, listener.route("READY").exclusive) == (1, False)
    listener.on("ready", ordered=True)(async_handler)
    assert (listener.route("READY").slots, listener.route("READY").exclusive) == (2, True)


def test_ordered_can_be_said_for_all_and_taken_back_for_one() -> None:
    listener = WsListener(ordered=True)
    listener.on("ready", ordered=False)(async_handler)
    assert not listener.route("READY").exclusive
    listener.on("ready")(plain_handler)
    assert listener.route("READY").exclusive


class Bot:
    async def method(self, message: Any) -> None: ...

    async def __call__(self, message: Any) -> None: ...

    @staticmethod
    def static(message: Any) -> None: ...


def with_default(message: Any, retries: int = 3) -> None: ...


def any_number(*arguments: Any) -> None: ...


@pytest.mark.parametrize(
    ("function", "is_async", "wants_event"),
    [
        (async_handler, True, False),
        (plain_handler, False, True),
        (Bot().method, True, False),
        (Bot(), True, False),
        (Bot.static, False, False),
        (functools.partial(async_handler), True, False),
        (functools.partial(plain_handler, event=None), False, False),
        (with_default, False, False),
        (any_number, False, False),
        (lambda message, event: None, False, True),
    ],
)
def test_shapes_of_handlers(function: Any, is_async: bool, wants_event: bool) -> None:
    listener = WsListener()
    listener.on("ready")(function)
    (registered,) = listener.registrations
    assert (registered.is_async, registered.wants_event) == (is_async, wants_event)


def no_parameters() -> None: ...


def three(one: Any, two: Any, three: Any) -> None: ...


def keyword(message: Any, *, wanted: int) -> None: ...


async def generator(message: Any) -> Any:
    yield message


@pytest.mark.parametrize("function", [no_parameters, three, keyword, generator, Bot.method])
def test_another_shape_is_refused_with_file_and_line(function: Any) -> None:
    listener = WsListener()
    line = function.__code__.co_firstlineno
    with pytest.raises(EntryError, match=rf"test_listener\.py:{line}: .*{function.__name__}"):
        listener.on("ready")(function)
    assert not listener.registrations


def test_an_unknown_event_is_refused_with_file_line_and_suggestion() -> None:
    with pytest.raises(EntryError, match=r"test_listener\.py:\d+: .*Did you mean message_create"):
        WsListener().on("mesage_create")(async_handler)


def test_hooks_take_no_parameters() -> None:
    listener = WsListener()

    @listener.on_start
    async def opened() -> None: ...

    listener.on_drain(opened)
    assert (listener.start_hooks, listener.drain_hooks) == ([opened], [opened])
    with pytest.raises(EntryError, match="must take no parameters"):
        listener.on_start(async_handler)
    with pytest.raises(EntryError, match="without parentheses"):
        listener.on_start(None)  # type: ignore[type-var]  # what @listener.on_start() would pass


@pytest.mark.parametrize(
    ("address", "host", "port"),
    [("127.0.0.1:5000", "127.0.0.1", 5000), ("[::1]:5", "::1", 5), ("localhost:0", "localhost", 0)],
)
def test_arguments_win_over_the_configuration(address: str, host: str, port: int) -> None:
    listener = WsListener(address, drain_timeout=1.5, concurrency=3)
    settings = listener.settings(MainSettings())
    assert (settings.listen_host, settings.listen_port) == (host, port)
    assert (settings.drain_timeout, settings.concurrency) == (1.5, 3)
    assert WsListener().settings(MainSettings(listen_port=9)) == MainSettings(listen_port=9)


@pytest.mark.parametrize("address", ["5000", "host:", ":5000", "host:port", "host:99999", "dns:///x"])
def test_an_address_that_is_none_is_refused(address: str) -> None:
    with pytest.raises(ConfigError, match="is not HOST:PORT"):
        WsListener(address).settings(MainSettings())


async def test_gateway_commands_before_the_listener_runs_are_refused() -> None:
    with pytest.raises(GatewayCommandError, match="need a running listener"):
        await WsListener().gateway.update_presence(status="idle")
