"""Bounds on what a peer may send: whatever it is, it costs little and reaches no file or log as it is. Pure.

Each function returns why a message is refused, as the end of a sentence about its sender, or None.
"""

from __future__ import annotations

import math
from collections.abc import Sized

from nescord_core.process.safe_text import printable
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = [
    "MAX_CREDIT",
    "MAX_DEADLINE",
    "MAX_SESSIONS",
    "batch_problem",
    "command_problem",
    "hello_problem",
    "ranges_problem",
    "ready_problem",
]

MAX_TEXT = 256
"""Characters of a name: a replica's, a cluster's, a session's."""

MIN_LEASE, MAX_LEASE = 0.03, 3600.0
"""Seconds. main asks for a renewal three times in a lease."""

MAX_SHARDS = 100_000
MAX_CREDIT = 65_536
MAX_SESSIONS = 65_536
"""Sessions that one stream may introduce."""

MAX_COMMANDS = 10_000
"""Gateway commands that wait at a time in a process of ws."""

MAX_COMMAND_BYTES = 4096
MAX_NUMBER = (1 << 63) - 1
MAX_DEADLINE = 3600.0
"""Seconds for which a gateway command may wait."""


def hello_problem(hello: pb.Hello) -> str | None:
    """Check what ws announces about itself."""
    texts = (hello.cluster, hello.address, hello.application_id, hello.version)
    if not all(map(_is_name, texts)):
        return "has a name in Hello that is too long or has control characters"
    if hello.lease and not MIN_LEASE <= hello.lease <= MAX_LEASE:  # true of NaN as well
        return f"offers a lease of {hello.lease:g} s, outside {MIN_LEASE:g} to {MAX_LEASE:g} s"
    if hello.shard_count > MAX_SHARDS or len(hello.shard_ids) > MAX_SHARDS:
        return f"has more than {MAX_SHARDS:,} shards"
    if hello.shard_ids and max(hello.shard_ids) >= max(hello.shard_count, 1):
        return f"has a shard that is none of {hello.shard_count}"
    return None


def ready_problem(ready: pb.Ready) -> str | None:
    """Check what main announces about itself."""
    if not all(map(_is_name, (ready.replica, ready.process, ready.version))):
        return "has a name in Ready that is too long or has control characters"
    return None


def batch_problem(batch: pb.EventBatch, *, expected: int, room: int) -> str | None:
    """Check a batch, apart from its columns' contents; ``room`` is the credit that is left."""
    count = len(batch.seq)
    columns = (batch.session, batch.type, batch.key, batch.guild_id, batch.received_at, batch.data)
    if any(len(column) != count for column in columns):
        return "sent a batch whose columns differ in length"
    if len(batch.span) not in (0, count):
        return "sent a batch whose spans are not one for each event"
    if not expected <= batch.first_delivery <= MAX_NUMBER - count:
        return f"sent delivery {batch.first_delivery} after {expected - 1}"
    if count > room:
        return "sent more events than it has credit for"
    if not all(_is_name(each.session_id) for each in batch.sessions):
        return "has a session id that is too long or has control characters"
    if count and max(batch.seq) > MAX_NUMBER:
        return f"sent the sequence number {max(batch.seq)}"
    return None


def ranges_problem(*ranges: Sized, credit: int) -> str | None:
    """Check acknowledgements: never more ranges than there can be events in flight."""
    count = sum(map(len, ranges))
    if count > credit:
        return f"sent {count:,} ranges of deliveries with a credit of {credit:,}"
    return None


def command_problem(command: pb.GatewayCommand, *, waiting: int) -> str | None:
    """Return why a gateway command is refused, as a sentence, or None; ``waiting`` are under way."""
    if waiting >= MAX_COMMANDS:
        return f"{waiting:,} gateway commands are waiting already."
    if len(command.data) > MAX_COMMAND_BYTES:
        return f"A gateway command of {len(command.data):,} bytes is larger than Discord accepts."
    if math.isnan(command.deadline):
        return "The deadline of a gateway command is not a number."
    return None


def _is_name(text: str) -> bool:
    return len(text) <= MAX_TEXT and printable(text, MAX_TEXT) == text
