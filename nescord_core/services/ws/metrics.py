"""Statistics of ws as JSON fields (/stats) and in the Prometheus text format (/metrics)."""

from __future__ import annotations

from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from nescord_core.gateway.stats import ShardStats
from nescord_core.services.ws.clusters import ClusterSlot

__all__ = ["metrics", "outbox", "shards", "stats"]

STATES = ("attached", "draining", "dialling")
CONDITIONS = ("", "well", "stuck", "silent")
"""Conditions of a replica, from best to worst; clusters may see the same replica differently."""

GAUGES = {
    "connected": "1 while the shard is connected",
    "down_for": "Seconds for which the shard has failed to connect",
    "latency": "Seconds from a heartbeat to its acknowledgement",
    "last_event_age": "Seconds since the last event",
    "session_age": "Age of the session in seconds",
    "seq_received": "Last sequence number received",
    "seq_acknowledged": "Highest sequence number up to which all events are handled",
}
COUNTERS = {
    "resumes": "RESUMEs sent",
    "identifies": "IDENTIFYs sent",
    "bytes_in": "Bytes received, before decompression",
    "decode_errors": "Frames that could not be decoded",
    "filtered": "Events dropped by bot.events",
    "redelivered": "Events that main may have received before",
    "commands_sent": "Gateway commands sent",
}


def shards(slots: Sequence[ClusterSlot]) -> list[tuple[int, ShardStats]]:
    """Return (cluster, shard) of all known shards, by shard id."""
    found = [
        (slot.index, shard)
        for slot in slots
        for shard in (slot.handle.numbers.shards if slot.handle.numbers else ())
    ]
    return sorted(found, key=lambda entry: entry[1].shard_id)


def outbox(slots: Sequence[ClusterSlot]) -> dict[str, Any]:
    """Return the outboxes of all clusters, merged; empty before any cluster has reported one."""
    found = [slot.handle.numbers.outbox for slot in slots if slot.handle.numbers]
    found = [each for each in found if each]
    if not found:
        return {}
    shed: Tally[str] = Tally()
    for each in found:
        shed.update(each["shed"])
    numeric = {name for name, value in found[0].items() if type(value) in (int, float)}
    sums = {name: sum(each[name] for each in found) for name in numeric - {"oldest_age"}}
    texts = {name: "; ".join(filter(None, (each[name] for each in found))) for name in _texts(found[0])}
    oldest = max(each["oldest_age"] for each in found)
    return {**sums, **texts, "oldest_age": oldest, "shed": dict(shed), "replicas": _replicas(found)}


def stats(slots: Sequence[ClusterSlot], now: float) -> dict[str, Any]:
    """Return the shards, the outbox, and the clusters' processes at ``now`` (the loop's time)."""
    return {
        "shards": [{**asdict(shard), "cluster": index} for index, shard in shards(slots)],
        "outbox": outbox(slots),
        "clusters": [_cluster(slot, now) for slot in slots],
    }


def metrics(slots: Sequence[ClusterSlot], identifies_left: int | None) -> bytes:
    """Return all metrics in the Prometheus text format, built for each scrape from the parts' own counts."""
    registry = CollectorRegistry()
    _shards([shard for _, shard in shards(slots)], registry)
    _clusters(slots, registry)
    if identifies_left is not None:
        left = Gauge("nescord_identifies_left", "Session starts that Discord allows today", registry=registry)
        left.set(identifies_left)
    if merged := outbox(slots):
        _outbox(merged, registry)
    return generate_latest(registry)


def _texts(one: Mapping[str, Any]) -> list[str]:
    return [name for name, value in one.items() if isinstance(value, str)]


def _replicas(outboxes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return one entry per address: the worst state that any cluster sees, and the total in flight."""
    found: dict[str, dict[str, Any]] = {}
    for replica in (replica for each in outboxes for replica in each["replicas"]):
        known = found.setdefault(replica["address"], {**replica, "in_flight": 0})
        in_flight = known["in_flight"] + replica["in_flight"]
        worst = max(known, replica, key=_severity)
        longest = {name: max(known[name], replica[name]) for name in ("waiting", "silence")}
        found[replica["address"]] = {**worst, **longest, "in_flight": in_flight}
    return list(found.values())


def _severity(replica: Mapping[str, Any]) -> tuple[int, int]:
    return STATES.index(replica["state"]), CONDITIONS.index(replica["condition"])


def _cluster(slot: ClusterSlot, now: float) -> dict[str, Any]:
    handle = slot.handle
    numbers = handle.numbers
    return {
        "cluster": slot.index,
        "shards": list(slot.shard_ids),
        "pid": handle.pid,
        "ready": handle.is_ready,
        "uptime_s": round(now - handle.started_at, 1) if handle.started_at else None,
        "restarts": slot.restarts,
        "outbox_depth": numbers.outbox.get("depth", 0) if numbers else 0,
        "outbox_oldest_age": numbers.outbox.get("oldest_age", 0.0) if numbers else 0.0,
        **(numbers.process if numbers else {}),
    }


def _clusters(slots: Sequence[ClusterSlot], registry: CollectorRegistry) -> None:
    """Add the metrics of the processes, named as in /stats."""
    gauges = {
        "up": "1 while the cluster's shards are connected and main is attached",
        "restarts": "Restarts of the cluster's process after it died",
        "memory_mb": "Memory of the cluster's process",
        "cpu_seconds": "CPU time of the cluster's process",
    }
    made = {
        n: Gauge(f"nescord_cluster_{n}", about, ["cluster"], registry=registry) for n, about in gauges.items()
    }
    for slot in slots:
        process = slot.handle.numbers.process if slot.handle.numbers else {}
        values = (slot.handle.is_ready, slot.restarts, process.get("rss_mb", 0), process.get("cpu_s", 0))
        for gauge, value in zip(made.values(), values, strict=True):
            gauge.labels(str(slot.index)).set(value)


def _shards(shards: Sequence[ShardStats], registry: CollectorRegistry) -> None:
    gauges = {
        n: Gauge(f"nescord_shard_{n}", about, ["shard"], registry=registry) for n, about in GAUGES.items()
    }
    counters = {
        n: Counter(f"nescord_shard_{n}", about, ["shard"], registry=registry) for n, about in COUNTERS.items()
    }
    closes = Counter(
        "nescord_shard_closes", "Connections closed, by code", ["shard", "code"], registry=registry
    )
    events = Counter("nescord_shard_events", "Events received, by type", ["shard", "type"], registry=registry)
    states = Gauge(
        "nescord_shard_state", "1 for the shard's current state", ["shard", "state"], registry=registry
    )
    for shard in shards:
        label = str(shard.shard_id)
        states.labels(label, shard.state).set(1)
        for name, gauge in gauges.items():
            value = getattr(shard, name)
            if value is not None:
                gauge.labels(label).set(value)
        for name, counter in counters.items():
            counter.labels(label).inc(getattr(shard, name))
        for code, times in shard.closes.items():
            closes.labels(label, code).inc(times)
        for kind, times in shard.events.items():
            events.labels(label, kind).inc(times)


def _outbox(outbox: Mapping[str, Any], registry: CollectorRegistry) -> None:
    gauges = {
        "depth": "Events that main has not finished",
        "queued": "Unfinished events that are not sent yet",
        "bytes": "Memory used by unfinished events, in bytes",
        "oldest_age": "Age of the oldest unfinished event in seconds",
        "spilled": "Unfinished events that are only on disk",
        "disk_bytes": "Size of the spool on disk in bytes",
    }
    for name, about in gauges.items():
        Gauge(f"nescord_outbox_{name}", about, registry=registry).set(outbox[name])
    counters = {
        "received": "Events received",
        "acknowledged": "Events that main has finished",
        "redelivered": "Events sent again",
        "duplicates": "Events that a session delivered twice",
    }
    for name, about in counters.items():
        Counter(f"nescord_outbox_{name}", about, registry=registry).inc(outbox[name])
    shed = Counter(
        "nescord_outbox_shed", "Events dropped because the outbox was full", ["shard"], registry=registry
    )
    for shard_id, times in outbox["shed"].items():
        shed.labels(shard_id).inc(times)
    attached = Gauge("nescord_replicas_attached", "Replicas of main that accept events", registry=registry)
    attached.set(sum(replica["state"] == "attached" for replica in outbox["replicas"]))
    seconds = {
        "waiting": "Seconds for which a replica has not finished its oldest event",
        "silence": "Seconds since a replica's last message",
    }
    for name, about in seconds.items():
        gauge = Gauge(f"nescord_replica_{name}", about, ["address"], registry=registry)
        for replica in outbox["replicas"]:
            gauge.labels(replica["address"]).set(replica[name])
