from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.events import (
    ANY_EVENT,
    INTENTS_OF,
    EventType,
    Intents,
    event_names,
    event_type,
    unreachable,
)


def test_value_is_discords_own_name() -> None:
    assert EventType.MESSAGE_CREATE == "MESSAGE_CREATE"
    assert all(each.value == each.name for each in EventType)


@pytest.mark.parametrize("event", list(EventType))
def test_every_spelling_of_a_name_is_the_same_event(event: EventType) -> None:
    words = event.value.lower().split("_")
    camel = words[0] + "".join(word.title() for word in words[1:])
    for spelling in (event.value, event.value.lower(), camel, camel[0].upper() + camel[1:], "-".join(words)):
        assert event_type(spelling) is event


def test_an_unknown_name_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match=r"'mesage_create'.*Did you mean message_create"):
        event_type("mesage_create")
    with pytest.raises(ValueError, match=r"named 'zzz'\.$"):
        event_type("zzz")


def test_events_setting() -> None:
    assert event_names("*") is None
    assert event_names("") is None
    assert event_names("message_create, *") is None
    assert event_names("messageCreate,GUILD_CREATE") == frozenset({"MESSAGE_CREATE", "GUILD_CREATE"})
    assert event_names(["ready"]) == frozenset({"READY"})
    with pytest.raises(ValueError, match="nothing"):
        event_names("message_create,nothing")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("guilds,guild_messages", 513),
        ("GUILDS, GuildMessages", 513),
        ("1,512", 513),
        ("1,guild_messages", 513),
        ("33281", 33281),
        (33281, 33281),
        ("0", 0),
        ("none", 0),
        ("", 0),
        ("guild_bans", 4),
        ("guild_emojis_and_stickers", 8),
        (["guilds", 512], 513),
        ("default,message_content", int(Intents.default()) | 1 << 15),
    ],
)
def test_intents_are_read_as_names_single_bits_or_one_whole_number(text: str, value: int) -> None:
    assert Intents.parse(text) == value


@pytest.mark.parametrize("text", ["3,512", "0,9", "-1", "1,-2", str(1 << 60)])
def test_numbers_that_are_no_intents_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="bit"):
        Intents.parse(text)


def test_unknown_intent_is_refused_with_the_nearest() -> None:
    with pytest.raises(ValueError, match="Did you mean guild_messages"):
        Intents.parse("guild_mesages")


def test_a_bit_without_a_name_is_kept() -> None:
    """Discord adds intents; a whole number that holds one still goes out as it was written."""
    intents = Intents.parse(str(1 << 30 | 1))
    assert int(intents) == 1 << 30 | 1
    assert intents.names == ("GUILDS", "1 << 30")


def test_privileged_intents_are_not_in_the_default() -> None:
    assert Intents.privileged() == 1 << 1 | 1 << 8 | 1 << 15
    assert not Intents.default() & Intents.privileged()
    assert Intents.default() | Intents.privileged() == Intents.all() == 53608447


@given(st.sets(st.sampled_from(list(Intents))))
def test_names_read_back_as_the_same_intents(members: set[Intents]) -> None:
    whole = Intents(sum(members))
    assert Intents.parse(",".join(whole.names)) == whole


def test_each_event_has_its_intents() -> None:
    assert set(INTENTS_OF) == set(EventType)
    assert INTENTS_OF[EventType.MESSAGE_CREATE] == Intents.GUILD_MESSAGES | Intents.DIRECT_MESSAGES
    assert INTENTS_OF[EventType.INTERACTION_CREATE] == 0


def test_discord_py_and_hikari_know_no_event_that_is_missing_here() -> None:
    state = pytest.importorskip("discord.state")
    named = {name.removeprefix("parse_").upper() for name in dir(state.ConnectionState) if "parse_" in name}
    assert named - {"_"} <= set(EventType), named - set(EventType)


def test_discord_py_agrees_on_every_bit_it_names() -> None:
    discord = pytest.importorskip("discord")
    assert discord.Intents.all().value == Intents.all()


def test_events_that_the_intents_never_bring() -> None:
    missing = unreachable(["message_create", "guild_create", "interaction_create", ANY_EVENT], Intents.GUILDS)
    assert missing == {EventType.MESSAGE_CREATE: Intents.GUILD_MESSAGES | Intents.DIRECT_MESSAGES}
    assert unreachable(["message_create"], Intents.DIRECT_MESSAGES) == {}
