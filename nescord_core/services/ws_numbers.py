"""The numbers of ws in Prometheus' text format."""

from __future__ import annotations

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from nescord_core.dispatch.sender import SenderStats
from nescord_core.gateway.stats import ShardStats

__all__ = ["metrics"]

GAUGES = {
    "connected": "1 while the shard is connected",
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


def metrics(shards: Sequence[ShardStats], sender: SenderStats | None) -> bytes:
    """Return all of it; made anew for each scrape from the counts that the parts keep themselves."""
    registry = CollectorRegistry()
    _shards(shards, registry)
    if sender is not None:
        _outbox(sender, registry)
    return generate_latest(registry)


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
    for shard in shards:
        label = str(shard.shard_id)
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


def _outbox(sender: SenderStats, registry: CollectorRegistry) -> None:
    gauges = {
        "depth": "Events that main has not finished",
        "queued": "Of those, events that are not sent yet",
        "bytes": "Bytes of memory they take",
        "oldest_age": "Seconds that the oldest of them has waited",
    }
    for name, about in gauges.items():
        Gauge(f"nescord_outbox_{name}", about, registry=registry).set(getattr(sender, name))
    counters = {
        "received": "Events taken in",
        "acknowledged": "Events that main has finished",
        "redelivered": "Events sent again",
        "duplicates": "Events that a session brought twice",
    }
    for name, about in counters.items():
        Counter(f"nescord_outbox_{name}", about, registry=registry).inc(getattr(sender, name))
    shed = Counter("nescord_outbox_shed", "Events given up for want of room", ["shard"], registry=registry)
    for shard_id, times in sender.shed.items():
        shed.labels(str(shard_id)).inc(times)
    attached = Gauge("nescord_replicas_attached", "Replicas of main that take events", registry=registry)
    attached.set(sum(replica.state == "attached" for replica in sender.replicas))
