from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.errors import GatewayCommandError
from nescord_core.gateway.session.send_limit import Command, CommandQueue, SendWindow, command_payload


def command(ticket: int, deadline: float = 1e9) -> Command:
    return Command(ticket, 3, b"{}", deadline)


def test_120_payloads_in_60_seconds_with_room_kept_for_heartbeats() -> None:
    window = SendWindow(reserve=8)
    for _ in range(112):
        assert window.free_at(0.0) == 0.0
        window.record(0.0)
    assert window.free_at(10.0) == 60.0
    assert window.free_at(60.0) == 60.0


@given(steps=st.lists(st.tuples(st.floats(0, 20), st.integers(0, 30)), max_size=40))
def test_no_60_seconds_ever_hold_more_than_120_sends(steps: list[tuple[float, int]]) -> None:
    queue, now, sends = CommandQueue(), 0.0, list[float]()
    for wait, number in steps:
        now += wait
        for ticket in range(number):
            queue.put(command(ticket))
        sends += [now for _ in queue.take(now)]
    for at in sends:
        assert sum(at - 60.0 < other <= at for other in sends) <= 112


def test_the_session_s_own_payloads_count() -> None:
    queue = CommandQueue()
    for _ in range(100):
        queue.sent(0.0)
    for ticket in range(20):
        queue.put(command(ticket))
    assert len(queue.take(0.0)) == 12
    assert queue.next_at(0.0, connected=True) == 60.0
    assert len(queue.take(60.0)) == 8


def test_commands_survive_a_reconnect_in_order_and_the_count_starts_anew() -> None:
    queue = CommandQueue()
    for ticket in range(200):
        queue.put(command(ticket))
    first = queue.take(0.0)
    for unsent in reversed(first[-2:]):
        queue.put_back(unsent)
    queue.new_connection()
    assert [c.ticket for c in queue.take(1.0)][:3] == [110, 111, 112]


def test_commands_expire_at_their_deadlines() -> None:
    queue = CommandQueue()
    queue.put(command(1, deadline=10.0))
    queue.put(command(2, deadline=30.0))
    assert queue.next_at(0.0, connected=False) == 10.0
    assert queue.next_at(0.0, connected=True) == 0.0
    assert [c.ticket for c in queue.expire(10.0)] == [1]
    assert [c.ticket for c in queue.take(10.0)] == [2]
    assert queue.next_at(10.0, connected=True) is None


def test_a_cancelled_command_is_not_sent() -> None:
    queue = CommandQueue()
    queue.put(command(1))
    queue.put(command(2))
    queue.cancel(1)
    assert [c.ticket for c in queue.take(0.0)] == [2]


def test_a_payload_of_more_than_4096_bytes_is_refused() -> None:
    room = 4096 - len(b'{"op":3,"d":""}')
    assert len(command_payload(3, b'"' + b"x" * room + b'"')) == 4096
    with pytest.raises(GatewayCommandError, match="4097 bytes"):
        command_payload(3, b'"' + b"x" * (room + 1) + b'"')


@pytest.mark.parametrize("op", [0, 1, 2, 6, 7, 9, 10, 11, 99])
def test_the_session_s_own_opcodes_are_no_commands(op: int) -> None:
    with pytest.raises(GatewayCommandError, match=str(op)):
        command_payload(op, b"{}")


@pytest.mark.parametrize("op", [3, 4, 8, 31, 43])
def test_commands_are_sent_as_they_are(op: int) -> None:
    assert json.loads(command_payload(op, b'{"a": 1}')) == {"op": op, "d": {"a": 1}}


def test_what_is_no_json_would_end_the_connection_and_is_refused() -> None:
    with pytest.raises(GatewayCommandError, match="not JSON"):
        command_payload(3, b"{")


def test_commands_that_are_given_up_leave_nothing_behind() -> None:
    queue = CommandQueue()
    for ticket in range(10_000):
        queue.put(Command(ticket, 3, b"{}", 3600.0 + ticket))
        if ticket % 10:
            queue.cancel(ticket)
    assert len(queue) == 1000
    assert len(queue._deadlines) <= 2 * len(queue) + 101
    assert queue.next_at(0.0, connected=False) == 3600.0
    first = queue.take(0.0)[0]
    assert (queue.next_at(0.0, connected=False) or 0.0) > 3600.0
    queue.put_back(first)
    assert queue.next_at(0.0, connected=False) == 3600.0
    assert queue.expire(3600.0) == [first]
    assert queue.expire(1e9)[0].ticket == 1120
