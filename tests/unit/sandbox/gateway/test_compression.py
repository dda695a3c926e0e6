"""Transport compression, read back by other decoders."""

from __future__ import annotations

import zlib

import pytest
import zstandard

from nescord_core.sandbox.gateway.compression import encoder_for

PAYLOADS = [b'{"op":10}', b"x" * 100_000, b"", b'{"op":11}']


def test_a_zlib_message_ends_with_the_flush_marker_and_the_context_goes_on() -> None:
    encoder, decoder = encoder_for("zlib-stream"), zlib.decompressobj()
    for payload in PAYLOADS:
        message = encoder.encode(payload)
        assert message.endswith(b"\x00\x00\xff\xff") or not payload
        assert decoder.decompress(message) == payload


def test_a_zstd_message_is_one_payload_of_one_context() -> None:
    encoder, decoder = encoder_for("zstd-stream"), zstandard.ZstdDecompressor().decompressobj()
    for payload in PAYLOADS:
        assert decoder.decompress(encoder.encode(payload)) == payload


def test_without_compression_payloads_are_text() -> None:
    encoder = encoder_for(None)
    assert not encoder.binary
    assert encoder.encode(b"{}") == b"{}"


def test_an_unknown_compression_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="zlib-stream, zstd-stream"):
        encoder_for("brotli")
