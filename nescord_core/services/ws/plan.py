"""Plans the clusters of this host, as plain data, and names the locks they use."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nescord_core.gateway.gateway_info import GatewayInfo
from nescord_core.gateway.identify.queue import SessionStartLimit
from nescord_core.gateway.identify.sharding import clusters, shard_count, shards_held
from nescord_core.plurals import counted
from nescord_core.settings import WsSettings

__all__ = ["ClusterPlan", "TooManyClusters", "claim_name", "described", "lock_name", "plan"]


class TooManyClusters(Exception):
    """The shards need more processes than ``ws.max_clusters``; the message says what to do."""


@dataclass(frozen=True, slots=True)
class ClusterPlan:
    """The shards of each cluster of this host, out of ``shard_count``, and Discord's gateway limits."""

    clusters: tuple[tuple[int, ...], ...]
    shard_count: int
    gateway_url: str
    limit: SessionStartLimit


def plan(settings: WsSettings, info: GatewayInfo) -> ClusterPlan:
    """Distribute this host's shards over clusters.

    Raises:
        ValueError: a shard id does not exist.
        TooManyClusters: this host would have to run more than ``settings.max_clusters``.

    """
    count = shard_count(settings.shards, info.shards)
    held = shards_held(settings.shard_ids, count)
    number = -(-len(held) // settings.shards_per_cluster)
    if number > settings.max_clusters:
        raise TooManyClusters(
            f"{counted(len(held), 'shard')} need {number} processes with ws.shards_per_cluster ="
            f" {settings.shards_per_cluster}, and ws.max_clusters is {settings.max_clusters}."
            " Raise either, or divide the shards among hosts with ws.shard_ids."
        )
    return ClusterPlan(
        tuple(clusters(held, settings.shards_per_cluster)), count, info.url, info.session_start_limit
    )


def described(planned: ClusterPlan) -> str:
    """Return one line about what will start, and how many session starts Discord still allows today."""
    held, limit = sum(map(len, planned.clusters)), planned.limit
    processes = "1 process"
    if len(planned.clusters) > 1:
        processes = f"{len(planned.clusters)} processes"
        processes += f" of at most {max(map(len, planned.clusters))} (ws.shards_per_cluster)"
    return (
        f"{counted(held, 'shard')} of {planned.shard_count} in {processes};"
        f" {limit.remaining} of {limit.total} IDENTIFYs are left today, {limit.max_concurrency} at a time"
    )


def lock_name(settings: WsSettings) -> str:
    """Return the name of the lock that only one ws per token holds; the name does not reveal the token."""
    return f"ws-{hashlib.sha256(settings.token.encode()).hexdigest()[:12]}"


def claim_name(settings: WsSettings) -> str:
    """Return the name of the lock that all its clusters share."""
    return f"{lock_name(settings)}-clusters"
