"""Which clusters there are and what they share, as plain data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nescord_core.gateway.gateway_info import GatewayInfo
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.sharding import clusters, shard_count, shards_held
from nescord_core.settings import WsSettings

__all__ = ["ClusterPlan", "claim_name", "described", "lock_name", "plan"]


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """The shards of every cluster of this host out of ``shard_count``, and Discord's word on the gateway."""

    clusters: tuple[tuple[int, ...], ...]
    shard_count: int
    gateway_url: str
    limit: SessionStartLimit


def plan(settings: WsSettings, info: GatewayInfo) -> ClusterPlan:
    """Split this host's shards over clusters. ValueError for a shard id that does not exist."""
    count = shard_count(settings.shards, info.shards)
    held = shards_held(settings.shard_ids, count)
    return ClusterPlan(
        tuple(clusters(held, settings.shards_per_cluster)), count, info.url, info.session_start_limit
    )


def described(planned: ClusterPlan) -> str:
    """Say in a line what will be started, and how many session starts Discord still allows today."""
    held, limit = sum(map(len, planned.clusters)), planned.limit
    shards, processes = _counted(held, "shard"), _counted(len(planned.clusters), "process", "es")
    if len(planned.clusters) > 1:
        processes += f" of at most {max(map(len, planned.clusters))} (ws.shards_per_cluster)"
    return (
        f"{shards} of {planned.shard_count} in {processes};"
        f" {limit.remaining} of {limit.total} IDENTIFYs are left today, {limit.max_concurrency} at a time"
    )


def _counted(number: int, noun: str, plural: str = "s") -> str:
    return f"{number} {noun}{plural if number != 1 else ''}"


def lock_name(settings: WsSettings) -> str:
    """Name the lock of the one ws that has this token: not by the token itself."""
    return f"ws-{hashlib.sha256(settings.token.encode()).hexdigest()[:12]}"


def claim_name(settings: WsSettings) -> str:
    """Name the lock that all its clusters share."""
    return f"{lock_name(settings)}-clusters"
