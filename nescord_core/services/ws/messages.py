"""Messages between ws and its cluster processes, sent over their parent channel (process/parent_channel.py).

A cluster sends Warm once it has imported everything, then waits for Begin, which carries the settings, the
token included. End-of-file means that the other side is gone.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from nescord_core.errors import FatalClose, IdentifyBudgetSpent, NescordError, ServiceFailed
from nescord_core.gateway.stats import ShardStats
from nescord_core.process import parent_channel
from nescord_core.settings import WsSettings

__all__ = [
    "AskIdentify",
    "AskNumbers",
    "Begin",
    "CancelIdentify",
    "Condition",
    "Failed",
    "FromCluster",
    "FromParent",
    "Granted",
    "Identified",
    "Numbers",
    "Refused",
    "StopNow",
    "Warm",
    "failure_of",
    "from_cluster",
    "from_parent",
]


class Begin(msgspec.Struct, frozen=True, tag="begin"):
    """Hold these shards; ``is_suspect`` after quick deaths in a row, to find the event that causes them."""

    settings: WsSettings
    cluster: int
    shard_ids: tuple[int, ...]
    shard_count: int
    gateway_url: str
    debug: bool = False
    is_suspect: bool = False


class Granted(msgspec.Struct, frozen=True, tag="granted"):
    """The shard of this ticket may IDENTIFY now."""

    ticket: int


class Refused(msgspec.Struct, frozen=True, tag="refused"):
    """IDENTIFY denied: the fields of IdentifyBudgetSpent, and whether any shard of this host is connected."""

    ticket: int
    remaining: int
    needed: int
    reserve: int
    reset_after: float
    others_connected: bool


class AskNumbers(msgspec.Struct, frozen=True, tag="numbers?"):
    """Answer with Numbers."""


class StopNow(msgspec.Struct, frozen=True, tag="stop"):
    """Stop reading, drain, keep the sessions and exit."""


class Warm(msgspec.Struct, frozen=True, tag="warm"):
    """Everything is imported; ready for Begin."""


class AskIdentify(msgspec.Struct, frozen=True, tag="identify?"):
    """A shard wants to IDENTIFY; every request has a new ticket."""

    ticket: int
    shard_id: int


class CancelIdentify(msgspec.Struct, frozen=True, tag="cancel"):
    """Withdraws the request of this ticket."""

    ticket: int


class Identified(msgspec.Struct, frozen=True, tag="identified"):
    """A shard with a permit has identified, at a time of the clock that all processes share."""

    shard_id: int
    at: float | None = None


class Condition(msgspec.Struct, frozen=True, tag="condition"):
    """What is missing now, as sentences: ``unready`` at all, ``unwell`` for longer than recovery should take.

    ``resumed`` and ``identified`` count the connected shards by how they connected.
    """

    unready: tuple[str, ...] = ()
    unwell: tuple[str, ...] = ()
    connected: int = 0
    resumed: int = 0
    identified: int = 0


class Numbers(msgspec.Struct, frozen=True, tag="numbers"):
    """Statistics of every shard, of the outbox (the fields of SenderStats) and of the process (CPU s, MB)."""

    shards: tuple[ShardStats, ...]
    outbox: Mapping[str, Any]
    process: Mapping[str, float]


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """The error that ended the cluster; ``facts`` are the arguments that recreate it in the parent."""

    kind: str
    message: str
    hint: str
    exit_code: int
    facts: Mapping[str, Any] = {}

    @classmethod
    def of(cls, error: NescordError) -> Failed:
        """Return the message for an error."""
        names: tuple[str, ...] = ()
        match error:
            case FatalClose():
                names = ("shard_id", "code", "reason")
            case IdentifyBudgetSpent():
                names = ("remaining", "needed", "reserve", "reset_after")
        facts = {name: getattr(error, name) for name in names}
        return cls(type(error).__name__, error.message, error.hint, error.exit_code, facts)


def failure_of(failed: Failed) -> NescordError:
    """Recreate the error; any kind without facts becomes a ServiceFailed."""
    match failed.kind:
        case "FatalClose":
            return FatalClose(**failed.facts)
        case "IdentifyBudgetSpent":
            return IdentifyBudgetSpent(**failed.facts)
    return ServiceFailed("ws", failed.message, hint=failed.hint)


FromParent = Begin | Granted | Refused | AskNumbers | StopNow
FromCluster = Warm | AskIdentify | CancelIdentify | Identified | Condition | Numbers | Failed

from_parent: parent_channel.Decoder[FromParent] = parent_channel.decoder(FromParent)
from_cluster: parent_channel.Decoder[FromCluster] = parent_channel.decoder(FromCluster)
