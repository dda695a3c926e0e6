from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.dispatch.protocol.frames import FrameReader, FrameWriter
from nescord_core.dispatch.sender.outbox import Outbox
from nescord_core.envelope import Envelope
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

envelopes = st.builds(
    Envelope,
    shard_id=st.integers(0, 3),
    session_id=st.sampled_from(["a", "b"]),
    seq=st.just(0),
    type=st.sampled_from(["MESSAGE_CREATE", "NEW_AND_UNKNOWN"]),
    key=st.integers(0, 2**64 - 1),
    guild_id=st.integers(0, 2**64 - 1),
    data=st.binary(max_size=20),
    received_at=st.floats(0, 2e9),
    redelivered=st.booleans(),
)


@given(st.lists(st.lists(st.tuples(envelopes, st.booleans()), min_size=1, max_size=8), max_size=5))
def test_every_event_arrives_byte_for_byte_under_its_number(
    batches: list[list[tuple[Envelope, bool]]],
) -> None:
    outbox = Outbox(max_events=1000, max_bytes=1_000_000)
    writer, reader = FrameWriter(), FrameReader()
    sent: list[tuple[int, Envelope]] = []
    got: list[tuple[int, Envelope]] = []
    for batch in batches:
        first, entries = len(sent) + 1, []
        for envelope, marked in batch:
            entry = outbox.put(envelope._replace(seq=len(sent) + 1))
            assert entry is not None
            entry.redelivered = marked
            entries.append(entry)
            sent.append(
                (len(sent) + 1, entry.envelope._replace(redelivered=marked or entry.envelope.redelivered))
            )
        message = pb.FromWs.FromString(writer.frame(first, entries).SerializeToString())
        reader.read(message.events, lambda number, envelope: got.append((number, envelope)))
    assert got == sent


def test_columns_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="zip"):
        FrameReader().read(
            pb.EventBatch(sessions=[pb.Session(index=0)], session=[0, 0], seq=[1]),
            lambda number, envelope: None,
        )
