"""Which clusters there are and what they share, as plain data."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from nescord_core.gateway.identify import SessionStartLimit
from nescord_core.gateway.info import GatewayInfo
from nescord_core.gateway.sharding import clusters, shard_count, shards_held
from nescord_core.settings import WsSettings

__all__ = ["ClusterPlan", "claim_name", "owner_name", "plan"]


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


def owner_name(settings: WsSettings) -> str:
    """Name the lock of the one ws that has this token: not by the token itself."""
    return f"ws-{hashlib.sha256(settings.token.encode()).hexdigest()[:12]}"


def claim_name(settings: WsSettings) -> str:
    """Name the lock that all its clusters share."""
    return f"{owner_name(settings)}-clusters"
