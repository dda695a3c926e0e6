"""The numbers of ws in Prometheus' text format."""

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
"""Of a replica, from good to bad; several clusters may see it differently."""

GAUGES = {
    "connected": "1 while the shard is connected",
    "down_for": "Seconds for which it has tried to connect in vain",
    "latency": "Seconds from heartbeat to its acknowledgement",
    "last_event_age": "Seconds since the last event",
    "session_age": "Seconds that the session has lasted",
    "seq_received": "Last sequence number received",
    "seq_acknowledged": "Highest sequence number below which all is handled",
}
COUNTERS = {
    "resumes": "RESUMEs sent",
    "identifies": "IDENTIFYs sent",
    "bytes_in": "Bytes received, as they came",
    "decode_errors": "Frames that could not be read",
    "filtered": "Events that bot.events leaves out",
    "redelivered": "Events that main may have seen before",
    "commands_sent": "Gateway commands sent",
}


def shards(places: Sequence[ClusterSlot]) -> list[tuple[int, ShardStats]]:
    """Return (cluster, shard) of all that are known, by shard id."""
    found = [
        (place.index, shard)
        for place in places
        for shard in (place.member.numbers.shards if place.member.numbers else ())
    ]
    return sorted(found, key=lambda entry: entry[1].shard_id)


def outbox(places: Sequence[ClusterSlot]) -> dict[str, Any]:
    """Return the outboxes of all clusters as one; empty before any of them has one."""
    found = [place.member.numbers.outbox for place in places if place.member.numbers]
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


def stats(places: Sequence[ClusterSlot], now: float) -> dict[str, Any]:
    """Return the shards, the outbox, and the clusters' processes at ``now`` (the loop's time)."""
    return {
        "shards": [{**asdict(shard), "cluster": index} for index, shard in shards(places)],
        "outbox": outbox(places),
        "clusters": [_cluster(place, now) for place in places],
    }


def metrics(places: Sequence[ClusterSlot], identifies_left: int | None) -> bytes:
    """Return all of it; made anew for each scrape from the counts that the parts keep themselves."""
    registry = CollectorRegistry()
    _shards([shard for _, shard in shards(places)], registry)
    _clusters(places, registry)
    if identifies_left is not None:
        left = Gauge("nescord_identifies_left", "Session starts that Discord allows today", registry=registry)
        left.set(identifies_left)
    if merged := outbox(places):
        _outbox(merged, registry)
    return generate_latest(registry)


def _texts(one: Mapping[str, Any]) -> list[str]:
    return [name for name, value in one.items() if isinstance(value, str)]


def _replicas(outboxes: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """One entry an address: the worst state that a cluster sees, all that is in flight."""
    found: dict[str, dict[str, Any]] = {}
    for replica in (replica for each in outboxes for replica in each["replicas"]):
        known = found.setdefault(replica["address"], {**replica, "in_flight": 0})
        in_flight = known["in_flight"] + replica["in_flight"]
        worst = max(known, replica, key=_badness)
        longest = {name: max(known[name], replica[name]) for name in ("waiting", "silence")}
        found[replica["address"]] = {**worst, **longest, "in_flight": in_flight}
    return list(found.values())


def _badness(replica: Mapping[str, Any]) -> tuple[int, int]:
    return STATES.index(replica["state"]), CONDITIONS.index(replica["condition"])


def _cluster(place: ClusterSlot, now: float) -> dict[str, Any]:
    member = place.member
    numbers = member.numbers
    return {
        "cluster": place.index,
        "shards": list(place.shard_ids),
        "pid": member.pid,
        "ready": member.is_ready,
        "uptime_s": round(now - member.began, 1) if member.began else None,
        "restarts": place.restarts,
        "outbox_depth": numbers.outbox.get("depth", 0) if numbers else 0,
        "outbox_oldest_age": numbers.outbox.get("oldest_age", 0.0) if numbers else 0.0,
        **(numbers.process if numbers else {}),
    }


def _clusters(places: Sequence[ClusterSlot], registry: CollectorRegistry) -> None:
    """The processes; names that /stats has as well."""
    gauges = {
        "up": "1 while the cluster's shards are connected and main is attached",
        "restarts": "How often it was started again after it died",
        "memory_mb": "Memory of its process",
        "cpu_seconds": "CPU time of its process",
    }
    made = {
        n: Gauge(f"nescord_cluster_{n}", about, ["cluster"], registry=registry) for n, about in gauges.items()
    }
    for place in places:
        process = place.member.numbers.process if place.member.numbers else {}
        values = (place.member.is_ready, place.restarts, process.get("rss_mb", 0), process.get("cpu_s", 0))
        for gauge, value in zip(made.values(), values, strict=True):
            gauge.labels(str(place.index)).set(value)


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
    states = Gauge("nescord_shard_state", "1 for the state it is in", ["shard", "state"], registry=registry)
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
        "queued": "Of those, events that are not sent yet",
        "bytes": "Bytes of memory they take",
        "oldest_age": "Seconds that the oldest of them has waited",
        "spilled": "Of those, events that are on disk alone",
        "disk_bytes": "Bytes that the spool takes on disk",
    }
    for name, about in gauges.items():
        Gauge(f"nescord_outbox_{name}", about, registry=registry).set(outbox[name])
    counters = {
        "received": "Events taken in",
        "acknowledged": "Events that main has finished",
        "redelivered": "Events sent again",
        "duplicates": "Events that a session brought twice",
    }
    for name, about in counters.items():
        Counter(f"nescord_outbox_{name}", about, registry=registry).inc(outbox[name])
    shed = Counter("nescord_outbox_shed", "Events given up for want of room", ["shard"], registry=registry)
    for shard_id, times in outbox["shed"].items():
        shed.labels(shard_id).inc(times)
    attached = Gauge("nescord_replicas_attached", "Replicas of main that take events", registry=registry)
    attached.set(sum(replica["state"] == "attached" for replica in outbox["replicas"]))
    seconds = {
        "waiting": "Seconds for which a replica has had the same oldest event unfinished",
        "silence": "Seconds for which a replica has said nothing",
    }
    for name, about in seconds.items():
        gauge = Gauge(f"nescord_replica_{name}", about, ["address"], registry=registry)
        for replica in outbox["replicas"]:
            gauge.labels(replica["address"]).set(replica[name])
