from __future__ import annotations

import os
import zlib

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from nescord_core.gateway.session import inflate
from nescord_core.gateway.session.inflate import SCHEMES, CorruptStreamError, inflater


def packed(scheme: str, payloads: list[bytes]) -> list[bytes]:
    if scheme == "zlib-stream":
        deflate = zlib.compressobj()
        return [deflate.compress(p) + deflate.flush(zlib.Z_SYNC_FLUSH) for p in payloads]
    if scheme == "zstd-stream":
        squeeze = zstandard.ZstdCompressor().compressobj()
        return [squeeze.compress(p) + squeeze.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK) for p in payloads]
    return payloads


@pytest.mark.parametrize("scheme", SCHEMES)
@given(payloads=st.lists(st.binary(min_size=1, max_size=2000), min_size=1, max_size=20))
def test_one_context_serves_the_whole_connection(scheme: str, payloads: list[bytes]) -> None:
    context = inflater(scheme)
    assert [context.feed(message) for message in packed(scheme, payloads)] == payloads


@given(payloads=st.lists(st.binary(min_size=1, max_size=300), min_size=1, max_size=5), data=st.data())
def test_a_zlib_payload_is_complete_at_its_flush_marker_wherever_the_messages_are_cut(
    payloads: list[bytes], data: st.DataObject
) -> None:
    context = inflater("zlib-stream")
    got = []
    for message in packed("zlib-stream", payloads):
        cuts = sorted(data.draw(st.sets(st.integers(1, len(message) - 1), max_size=3)))
        parts = [message[a:b] for a, b in zip([0, *cuts], [*cuts, len(message)], strict=True)]
        # A cut right after a 00 00 FF FF that ends no payload would look like an end to any client.
        got += [out for part in parts if (out := context.feed(part)) is not None]
    assert b"".join(got) == b"".join(payloads)


def test_half_a_zlib_payload_waits_for_the_other_half() -> None:
    (message,) = packed("zlib-stream", [b"x" * 100])
    context = inflater("zlib-stream")
    assert context.feed(message[:-2]) is None
    assert context.feed(message[-2:]) == b"x" * 100


@pytest.mark.parametrize("scheme", ["zlib-stream", "zstd-stream"])
def test_corrupted_data_is_one_kind_of_error(scheme: str) -> None:
    with pytest.raises(CorruptStreamError):
        inflater(scheme).feed(b"this was never compressed")
    first, second = packed(scheme, [b"some text" * 50, b"other text" * 50])
    context = inflater(scheme)
    context.feed(first)
    with pytest.raises(CorruptStreamError):
        context.feed(b"\x07\xff" + second[::-1])


def test_a_stream_that_ends_within_a_connection_is_corrupt() -> None:
    context = inflater("zlib-stream")
    with pytest.raises(CorruptStreamError):
        context.feed(zlib.compress(b"all"))
    zstd = inflater("zstd-stream")
    zstd.feed(zstandard.ZstdCompressor().compress(b"all"))
    with pytest.raises(CorruptStreamError):
        zstd.feed(b"more")


@pytest.mark.parametrize("scheme", ["zlib-stream", "zstd-stream"])
def test_a_message_that_inflates_without_end_is_no_payload(
    scheme: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inflate, "LARGEST_PAYLOAD", 1_000_000)
    (bomb,) = packed(scheme, [b"\0" * 50_000_000])
    with pytest.raises(CorruptStreamError, match="larger than 1000000 bytes"):
        inflater(scheme).feed(bomb)


def test_parts_without_a_flush_marker_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inflate, "LARGEST_PAYLOAD", 100_000)
    context, deflate = inflater("zlib-stream"), zlib.compressobj()
    parts = [deflate.compress(os.urandom(40_000)) + deflate.flush(zlib.Z_PARTIAL_FLUSH) for _ in range(4)]
    with pytest.raises(CorruptStreamError, match="larger than"):
        [context.feed(part) for part in parts]


def test_large_payloads_within_the_bound_come_whole() -> None:
    payload = os.urandom(3_000_000) + b"\0" * 9_000_000
    for scheme in SCHEMES:
        context = inflater(scheme)
        assert [context.feed(message) for message in packed(scheme, [payload, b"x"])] == [payload, b"x"]
