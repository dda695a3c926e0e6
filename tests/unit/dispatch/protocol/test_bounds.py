"""What a peer may send."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nescord_core.dispatch.protocol.bounds import (
    batch_problem,
    command_problem,
    hello_problem,
    ranges_problem,
    ready_problem,
)
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

ODD_NAMES = ["x" * 257, "x" * 1_000_000, "a\tb", "a\nb", "\x1b[31m", "\u202e", "\x00"]


def hello(**changes: Any) -> pb.Hello:
    facts: dict[str, Any] = {
        "protocol": 1,
        "cluster": "c",
        "shard_ids": [0, 1],
        "shard_count": 2,
        "lease": 1.0,
    }
    return pb.Hello(**(facts | changes))


def ready(**changes: Any) -> pb.Ready:
    return pb.Ready(**changes)


def batch(count: int = 3, **changes: Any) -> pb.EventBatch:
    columns: dict[str, Any] = {
        "first_delivery": 1,
        "sessions": [pb.Session(index=0, shard_id=0, session_id="s")],
        "session": [0] * count,
        "seq": range(1, count + 1),
        "type": ["T"] * count,
        "key": [1] * count,
        "guild_id": [1] * count,
        "received_at": [1.0] * count,
        "data": [b"{}"] * count,
    }
    return pb.EventBatch(**(columns | changes))


def test_what_ours_send_is_within_bounds() -> None:
    assert hello_problem(hello()) is None
    assert hello_problem(hello(lease=0.0, shard_ids=[], shard_count=0)) is None
    assert ready_problem(pb.Ready(replica="0", process="p" * 32, version="1.0")) is None
    assert batch_problem(batch(), expected=1, room=3) is None
    assert ranges_problem([pb.Range(first=1, last=9)], [], credit=1) is None
    assert command_problem(pb.GatewayCommand(op=3, data=b"{}", deadline=5.0), waiting=0) is None


@pytest.mark.parametrize("lease", [-1.0, 1e-9, 1e9, math.nan, math.inf, -math.inf])
def test_a_lease_out_of_range_is_refused(lease: float) -> None:
    assert "lease" in str(hello_problem(hello(lease=lease)))


@pytest.mark.parametrize("field", ["cluster", "address", "application_id", "version"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_in_hello_are_short_and_printable(field: str, name: str) -> None:
    assert hello_problem(hello(**{field: name}))


@pytest.mark.parametrize("field", ["replica", "process", "version"])
@pytest.mark.parametrize("name", ODD_NAMES)
def test_names_in_ready_are_short_and_printable(field: str, name: str) -> None:
    assert ready_problem(ready(**{field: name}))


def test_shards_are_few_enough_and_within_their_count() -> None:
    assert hello_problem(hello(shard_count=4_000_000_000))
    assert hello_problem(hello(shard_ids=range(100_001), shard_count=100_000))
    assert hello_problem(hello(shard_ids=[2]))


@pytest.mark.parametrize("name", ODD_NAMES)
def test_session_ids_are_short_and_printable(name: str) -> None:
    odd = batch(sessions=[pb.Session(index=0, shard_id=0, session_id=name)])
    assert "session id" in str(batch_problem(odd, expected=1, room=3))


@pytest.mark.parametrize("column", ["session", "type", "key", "guild_id", "received_at", "data"])
def test_columns_have_one_length(column: str) -> None:
    columns: dict[str, Any] = {column: []}
    assert "columns" in str(batch_problem(batch(3, **columns), expected=1, room=3))


@pytest.mark.parametrize("first", [0, 1, 4, (1 << 63) - 1, (1 << 64) - 1])
def test_delivery_numbers_only_grow_and_stay_within_63_bits(first: int) -> None:
    assert "delivery" in str(batch_problem(batch(first_delivery=first), expected=5, room=3))


def test_a_batch_has_no_more_events_than_credit_and_no_seq_beyond_63_bits() -> None:
    assert "credit" in str(batch_problem(batch(), expected=1, room=2))
    assert "number" in str(batch_problem(batch(seq=[1, 2, 1 << 63]), expected=1, room=3))


def test_there_are_no_more_ranges_than_events_in_flight() -> None:
    assert ranges_problem([pb.Range()] * 3, [pb.Range()] * 3, credit=5)


def test_gateway_commands_are_small_few_and_have_a_deadline() -> None:
    assert command_problem(pb.GatewayCommand(op=3, data=b"x" * 4097, deadline=5.0), waiting=0)
    assert command_problem(pb.GatewayCommand(op=3, data=b"{}", deadline=math.nan), waiting=0)
    assert command_problem(pb.GatewayCommand(op=3, data=b"{}", deadline=5.0), waiting=10_000)
