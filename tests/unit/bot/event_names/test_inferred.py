"""A handler that is registered without an event, and `on` written otherwise than it has to be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nescord_core import WsListener
from nescord_core.errors import EntryError
from nescord_core.payloads import GuildBan, Interaction, Message


def registered(function: Callable[..., Any]) -> str:
    listener = WsListener()
    listener.on()(function)
    return listener.registrations[0].event


def test_an_annotation_names_the_event_whose_only_payload_it_is() -> None:
    async def answer(interaction: Interaction) -> None: ...

    assert registered(answer) == "INTERACTION_CREATE"


def test_a_function_names_the_event_with_or_without_on() -> None:
    async def on_message_update(message) -> None: ...  # type: ignore[no-untyped-def]

    async def message_create(message: Message, event: object) -> None: ...

    assert registered(on_message_update) == "MESSAGE_UPDATE"
    assert registered(message_create) == "MESSAGE_CREATE"


def test_an_annotation_with_several_events_is_an_error_that_names_them() -> None:
    async def handle(ban: GuildBan) -> None: ...

    with pytest.raises(EntryError) as raised:
        registered(handle)
    assert "guild_ban_add or guild_ban_remove" in str(raised.value)
    assert '@listener.on("guild_ban_add")' in str(raised.value)
    assert "test_inferred.py:" in str(raised.value)


def test_a_name_that_contradicts_the_annotation_is_an_error() -> None:
    async def message_create(ban: GuildBan) -> None: ...

    with pytest.raises(EntryError, match="guild_ban_add or guild_ban_remove"):
        registered(message_create)


@pytest.mark.parametrize("annotated", [lambda message: None, lambda: None])
def test_a_function_that_names_no_event_is_an_error(annotated: Callable[..., Any]) -> None:
    with pytest.raises(EntryError, match=r"does not say which event[\s\S]*message_create"):
        registered(annotated)


def test_on_without_parentheses_is_an_error_that_says_what_to_write() -> None:
    listener = WsListener()
    with pytest.raises(EntryError, match=r'parentheses[\s\S]*@listener\.on\("message_create"\)'):

        @listener.on  # type: ignore[call-overload]
        async def greet(message: Message) -> None: ...

    with pytest.raises(EntryError, match=r'@listener\.on\("interaction_create"\)'):

        @listener.on  # type: ignore[call-overload]
        async def answer(interaction: Interaction) -> None: ...

    with pytest.raises(EntryError, match="is not an event"):
        listener.on(Message)  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("name", "event"),
    [
        ("message", "message_create"),
        ("on_message", "message_create"),
        ("on_raw_reaction_add", "message_reaction_add"),
        ("member_join", "guild_member_add"),
    ],
)
def test_a_name_of_discordpy_is_an_error_with_discords_own(name: str, event: str) -> None:
    with pytest.raises(EntryError, match=rf'discord\.py calls [A-Z_]+ so\. Write @listener\.on\("{event}"\)'):
        WsListener().on(name)(lambda _payload: None)
