from __future__ import annotations

from typing import Any

from nescord_core.gateway.stats import ShardStats
from nescord_core.services.ws.cluster import ClusterHandle
from nescord_core.services.ws.clusters import ClusterSlot
from nescord_core.services.ws.messages import Condition, Numbers
from nescord_core.services.ws.metrics import metrics, outbox, stats


def shard(shard_id: int, **changes: Any) -> ShardStats:
    facts: dict[str, Any] = {
        "shard_id": shard_id,
        "state": "connected",
        "connected": True,
        "session_id": "abc",
        "session_age": 5.0,
        "seq_received": 9,
        "seq_acknowledged": 8,
        "last_event_age": 0.5,
        "latency": 0.04,
        "latency_average": 0.05,
        "resumes": 1,
        "identifies": 1,
        "closes": {"4000": 2},
        "bytes_in": 1000,
        "events": {"MESSAGE_CREATE": 7},
        "filtered": 0,
        "redelivered": 0,
        "duplicates": 0,
        "decode_errors": 0,
        "commands_sent": 0,
        "commands_waiting": 0,
    }
    return ShardStats(**(facts | changes))


def replica(state: str, in_flight: int, condition: str = "well", waiting: float = 0.0) -> dict[str, Any]:
    return {
        "address": "127.0.0.1:5000",
        "state": state,
        "replica": "0",
        "generation": 1,
        "in_flight": in_flight,
        "condition": condition,
        "waiting": waiting,
        "silence": 0.2,
    }


def box(depth: int, oldest: float, shed: dict[str, int], *replicas: dict[str, Any]) -> dict[str, Any]:
    counts = dict.fromkeys(
        ("queued", "bytes", "received", "acknowledged", "redelivered", "duplicates"), depth
    )
    disk = {"spilled": 0, "disk_bytes": 0, "disk_error": "", "recovered": 0}
    return {
        **counts,
        **disk,
        "held": 0,
        "depth": depth,
        "oldest_age": oldest,
        "shed": shed,
        "replicas": replicas,
    }


def slot(index: int, shards: tuple[ShardStats, ...], outbox: dict[str, Any]) -> ClusterSlot:
    handle = ClusterHandle(lambda: None)
    handle.numbers = Numbers(shards, outbox, {"cpu_s": 1.5, "rss_mb": 60.0})
    handle.condition = Condition(unready=() if index == 0 else ("shard 3 is resuming",))
    return ClusterSlot(index, tuple(s.shard_id for s in shards), handle)


SLOTS = [
    slot(0, (shard(0), shard(1)), box(3, 0.5, {"0": 2}, replica("attached", 3))),
    slot(
        1,
        (shard(2), shard(3, state="resuming", connected=False)),
        box(4, 1.5, {"2": 1}, replica("dialling", 4)),
    ),
]


def test_the_outboxes_of_all_clusters_count_as_one() -> None:
    merged = outbox(SLOTS)
    assert (merged["depth"], merged["oldest_age"], merged["shed"]) == (7, 1.5, {"0": 2, "2": 1})
    assert merged["replicas"] == [replica("dialling", 7)], "one entry per address, with the worst state"


def test_of_what_two_clusters_see_of_a_replica_the_worst_is_shown() -> None:
    seen = [
        replica("attached", 3),
        replica("attached", 5, "stuck", 40.0),
        replica("attached", 1, "well", 2.0),
    ]
    merged = outbox([slot(index, (shard(index),), box(0, 0.0, {}, one)) for index, one in enumerate(seen)])
    assert merged["replicas"] == [replica("attached", 9, "stuck", 40.0)]


def test_what_was_shed_and_who_hangs_is_in_a_scrape() -> None:
    hanging = slot(0, (shard(0),), box(1, 1.0, {"0": 17}, replica("attached", 1, "stuck", 40.0)))
    lines = metrics([hanging], None).decode().splitlines()
    assert 'nescord_outbox_shed_total{shard="0"} 17.0' in lines
    assert 'nescord_replica_waiting{address="127.0.0.1:5000"} 40.0' in lines
    assert 'nescord_replica_silence{address="127.0.0.1:5000"} 0.2' in lines


def test_shards_come_in_order_with_their_cluster() -> None:
    shown = stats(SLOTS, now=10.0)
    assert [(each["shard_id"], each["cluster"]) for each in shown["shards"]] == [
        (0, 0),
        (1, 0),
        (2, 1),
        (3, 1),
    ]
    assert [each["ready"] for each in shown["clusters"]] == [True, False]


def test_before_any_answer_there_is_nothing_to_show() -> None:
    empty = [ClusterSlot(0, (0,), ClusterHandle(lambda: None))]
    assert stats(empty, now=0.0)["shards"] == []
    assert outbox(empty) == {}
    assert b"nescord_cluster_up" in metrics(empty, None)


def test_one_scrape_has_every_shard() -> None:
    lines = metrics(SLOTS, 42).decode().splitlines()
    for line in (
        'nescord_shard_state{shard="3",state="resuming"} 1.0',
        'nescord_shard_closes_total{code="4000",shard="2"} 2.0',
        'nescord_shard_events_total{shard="1",type="MESSAGE_CREATE"} 7.0',
        "nescord_outbox_oldest_age 1.5",
        "nescord_outbox_depth 7.0",
        "nescord_identifies_left 42.0",
        'nescord_cluster_memory_mb{cluster="1"} 60.0',
    ):
        assert line in lines
