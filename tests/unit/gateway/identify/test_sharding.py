from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.gateway.identify.sharding import (
    clusters,
    count_warning,
    format_ids,
    parse_ids,
    shard_count,
    shard_of,
    shards_held,
)


def test_auto_takes_what_discord_recommends() -> None:
    assert shard_count(None, 12) == 12
    assert shard_count(3, 12) == 3
    with pytest.raises(ValueError, match="not 0"):
        shard_count(0, 12)


def test_ranges_are_read() -> None:
    assert parse_ids("0-2, 40,1") == (0, 1, 2, 40)


@pytest.mark.parametrize("text", ["", "a", "3-", "-3", "5-2", "1,,2", "1-2-3"])
def test_what_is_no_range_is_named(text: str) -> None:
    with pytest.raises(ValueError, match=r"range"):
        parse_ids(text)


@given(st.sets(st.integers(0, 300), min_size=1))
def test_written_ranges_read_back(ids: set[int]) -> None:
    assert parse_ids(format_ids(ids)) == tuple(sorted(ids))


def test_ids_that_do_not_exist_are_refused() -> None:
    assert shards_held(None, 3) == (0, 1, 2)
    assert shards_held((2, 0, 2), 3) == (0, 2)
    with pytest.raises(ValueError, match="shard 3 does not exist"):
        shards_held((3,), 3)
    with pytest.raises(ValueError, match="at least one shard"):
        shards_held((), 3)


@given(count=st.integers(1, 200), per=st.integers(1, 40))
def test_clusters_hold_every_shard_once_and_are_even(count: int, per: int) -> None:
    parts = clusters(range(count), per)
    assert [i for part in parts for i in part] == list(range(count))
    sizes = {len(part) for part in parts}
    assert max(sizes) <= per
    assert max(sizes) - min(sizes) <= 1
    assert len(parts) == -(-count // per)


def test_direct_messages_arrive_on_shard_0() -> None:
    assert shard_of(0, 16) == 0
    assert shard_of(81384788765712384, 16) == (81384788765712384 >> 22) % 16


@pytest.mark.parametrize(
    ("configured", "recommended", "max_concurrency", "code"),
    [
        (None, 64, 16, None),
        (64, 64, 16, None),
        (128, 64, 16, None),
        (80, 64, 16, None),
        (50, 64, 16, "4010"),
        (3, 2, 1, None),
        (4, 10, 1, None),
        (3, 10, 1, "4011"),
        (1, 1, 1, None),
    ],
)
def test_a_number_of_shards_that_discord_may_refuse_is_doubted(
    configured: int | None, recommended: int, max_concurrency: int, code: str | None
) -> None:
    """protocol.md, 18: at most 2500 guilds per shard; very large bots need a given multiple."""
    why = count_warning(configured, recommended, max_concurrency)
    assert (why is None) if code is None else (why is not None and code in why)
