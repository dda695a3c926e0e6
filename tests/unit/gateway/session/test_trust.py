"""What a session accepts: sequence numbers, resume hosts, unreadable data, heartbeat intervals."""

from __future__ import annotations

import json

import pytest

from nescord_core.gateway.session import facts_and_effects as s
from nescord_core.gateway.session.machine import FARTHEST_STEP
from nescord_core.gateway.session.payload import heartbeat_interval, read_event, ready_facts, route, salvage
from nescord_core.gateway.session.resume_url import is_trusted
from nescord_core.gateway.session.states import State
from support.gateway.session_rig import RULES, Rig, milestones, of

DISCORD = "wss://gateway.discord.gg"


@pytest.mark.parametrize(
    ("url", "main"),
    [
        ("wss://gateway-us-east1-b.discord.gg", DISCORD),
        ("wss://gateway.discord.gg:443/x", DISCORD),
        ("ws://127.0.0.1:7401", "ws://127.0.0.1:7400"),
        ("ws://localhost:1", "ws://127.0.0.1:7400"),
        ("ws://sandbox:7000", "ws://sandbox:7000"),
    ],
)
def test_a_resume_host_of_the_gateways_domain_is_trusted(url: str, main: str) -> None:
    assert is_trusted(url, main)


@pytest.mark.parametrize(
    "url",
    [
        "wss://evil.example",
        "wss://discord.gg.evil.example",
        "ws://gateway.discord.gg",
        "https://gateway.discord.gg",
        "wss://gateway.discord.gg@evil.example",
        "wss://user:pw@gateway.discord.gg",
        "wss://127.0.0.1:5",
        "wss://",
        "",
        "wss://gateway.discord.gg/" + "x" * 3000,
        None,
        7,
        ["wss://gateway.discord.gg"],
    ],
)
def test_the_token_goes_to_no_other_host_and_not_unencrypted(url: object) -> None:
    assert not is_trusted(url, DISCORD)


def test_an_untrusted_resume_host_is_said_and_the_main_gateway_is_used() -> None:
    rig = Rig()
    rig.handle(s.Start())
    rig.hello()
    rig.handle(s.IdentifyGranted())
    ready = json.dumps({"session_id": "one", "resume_gateway_url": "wss://evil.example/\x1b[31m"}).encode()
    effects = rig.handle(s.Frame(0, 1, "READY", ready))
    assert milestones(effects) == [s.Milestone.READY, s.Milestone.RESUME_URL_DROPPED]
    assert "\x1b" not in of(s.Report, effects)[1].detail
    assert rig.session.resume_url is None


@pytest.mark.parametrize(
    "odd",
    [
        b'"resume_gateway_url":7,"application":[]',
        b'"resume_gateway_url":null,"application":{"id":5}',
        b'"guilds":' + b"[" * 3000 + b"]" * 3000,
    ],
)
def test_ready_needs_its_session_id_alone(odd: bytes) -> None:
    facts = ready_facts(b'{"session_id":"abc",' + odd + b"}")
    assert (facts.session_id, facts.resume_gateway_url, facts.application_id) == ("abc", None, "")


@pytest.mark.parametrize("number", [1 << 62, 1 << 64, 2 + FARTHEST_STEP, 0, -5])
def test_a_number_that_cannot_follow_changes_nothing(number: int) -> None:
    session = Rig().connected().session
    assert not session.advance(number)
    assert session.seq == 1
    assert session.advance(2)


def test_events_far_below_the_number_held_end_the_session() -> None:
    rig = Rig().connected()
    effects = rig.handle(s.OutOfSequence())
    assert milestones(effects) == [s.Milestone.SESSION_ENDED, s.Milestone.LOST]
    assert rig.session.session_id is None


def test_a_message_that_is_unreadable_twice_at_one_place_is_ignored() -> None:
    rig = Rig().connected()
    assert of(s.Close, rig.handle(s.Unreadable("no JSON")))
    rig.due()
    rig.hello()
    rig.frame(0, {}, 2, "RESUMED")
    assert rig.session.seq == 2
    assert of(s.Close, rig.handle(s.Unreadable("another place")))  # the session has moved on: worth a RESUME
    rig.due()
    rig.hello()
    again = rig.handle(s.Unreadable("no JSON"))
    assert milestones(again) == [s.Milestone.IGNORED]
    assert rig.session.state is State.RESUMING


def test_a_stream_that_breaks_again_and_again_at_one_place_costs_the_session() -> None:
    rig = Rig().connected()
    for _ in range(RULES.resume_tries - 1):
        assert s.Milestone.SESSION_ENDED not in milestones(rig.handle(s.Corrupt("zlib")))
        rig.due()
        rig.hello()
    assert s.Milestone.SESSION_ENDED in milestones(rig.handle(s.Corrupt("zlib")))


def test_fact_32_a_connection_that_was_good_is_resumed_soon_however_often_it_is_lost() -> None:
    rig = Rig().connected()
    pauses: list[float] = []
    for seq in range(2, 8):
        lost_at = rig.now + 5.0
        rig.handle(s.Closed(None), after=5.0)
        assert rig.session.deadline is not None
        pauses.append(rig.session.deadline - lost_at)
        rig.due()
        rig.hello()
        rig.frame(0, {}, seq, "RESUMED")
    assert pauses[0] == 0.0
    assert max(pauses) <= 1.5, "the rest of two seconds is for TLS and Hello"
    assert min(pauses[1:]) >= 1.0, "what is bounded is how often a minute it reconnects"


def test_fact_32_a_zombie_after_five_good_resumes_is_resumed_within_two_seconds() -> None:
    rig = Rig().connected(interval=10.0)
    for seq in range(2, 7):
        rig.handle(s.Closed(None), after=5.0)
        rig.due()
        rig.hello(10.0)
        rig.frame(0, {}, seq, "RESUMED")
    while not of(s.Abort, rig.due()):
        pass
    assert rig.session.deadline is not None
    assert rig.session.deadline - rig.now <= 1.5


def test_attempts_that_do_not_get_to_resumed_make_the_pause_grow() -> None:
    rig = Rig().connected()
    pauses: list[float] = []
    for _ in range(5):
        rig.handle(s.Closed(None) if not pauses else s.ConnectFailed("refused"))
        assert rig.session.deadline is not None
        pauses.append(rig.session.deadline - rig.now)
        rig.due()
    assert pauses == sorted(pauses)
    assert pauses[-1] > 2.0


@pytest.mark.parametrize(
    ("d", "expected"),
    [
        (b'{"heartbeat_interval":41250}', 41.25),
        (b'{"heartbeat_interval":1e-9}', None),
        (b'{"heartbeat_interval":-1}', None),
        (b'{"heartbeat_interval":1e300}', None),
        (b'{"heartbeat_interval":null}', None),
    ],
)
def test_a_heartbeat_interval_that_would_flood_or_never_beat_is_none(
    d: bytes, expected: float | None
) -> None:
    assert heartbeat_interval(d) == expected


DEEP = b"[" * 2000 + b"]" * 2000


@pytest.mark.parametrize(
    "d",
    [
        b'{"guild_id":"-7"}',
        b'{"guild_id":"18446744073709551616"}',
        b'{"channel_id":-1}',
        b'{"guild_id":"9223372036854775808"}',
        b'{"guild_id":' + DEEP + b"}",
    ],
)
def test_an_event_whose_ids_are_none_has_no_order_of_its_own(d: bytes) -> None:
    assert read_event(b'{"t":"X","s":2,"op":0,"d":' + d + b"}") is None
    assert route("X", d) == (0, 0)


def test_an_event_nested_too_deep_still_tells_its_type_and_number() -> None:
    text = b'{"t":"MESSAGE_CREATE","s":77,"op":0,"d":{"content":' + DEEP + b"}}"
    found = salvage(text)
    assert found is not None
    assert (found.type, found.seq, found.d) == ("MESSAGE_CREATE", 77, b'{"content":' + DEEP + b"}")
    assert salvage(b'{"op":0,"d":' + DEEP) is None
