"""UDP packets: IP discovery, and what counts as sound."""

from __future__ import annotations

import struct

import pytest

from nescord_core.sandbox.voice.packets import discovery_answer, ssrc_of_sound


def test_ip_discovery() -> None:
    request = struct.pack(">HHI", 1, 70, 42) + bytes(66)
    found = discovery_answer(request, "127.0.0.1", 5000)
    assert found is not None
    ssrc, answer = found
    assert (ssrc, len(answer)) == (42, 74)
    kind, size, echoed, address, port = struct.unpack(">HHI64sH", answer)
    assert (kind, size, echoed, address.rstrip(b"\0"), port) == (2, 70, 42, b"127.0.0.1", 5000)


@pytest.mark.parametrize("packet", [b"", bytes(74), bytes(73), struct.pack(">HHI", 2, 70, 1) + bytes(66)])
def test_other_packets_are_not_answered(packet: bytes) -> None:
    assert discovery_answer(packet, "127.0.0.1", 1) is None


def test_sound_is_rtp_with_opus() -> None:
    header = struct.pack(">BBHII", 0x80, 0x78, 1, 960, 7)
    assert ssrc_of_sound(header + b"opus") == 7
    assert ssrc_of_sound(struct.pack(">BBHII", 0x90, 0x78, 1, 960, 7)) == 7, "with an extension"
    for other in (
        b"",
        header[:11],
        struct.pack(">BBHII", 0x80, 0xC9, 1, 960, 7),
        bytes(8),
        b"\0" + header[1:],
    ):
        assert ssrc_of_sound(other) is None
