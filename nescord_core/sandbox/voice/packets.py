"""UDP packets of voice: IP discovery, and the headers of sound. Pure.

https://discord.com/developers/docs/topics/voice-connections#ip-discovery
"""

from __future__ import annotations

import struct

__all__ = ["discovery_answer", "ssrc_of_sound"]

DISCOVERY_SIZE = 74
REQUEST, RESPONSE = 1, 2
BODY_SIZE = 70
RTP_HEADER = 12
RTP_VERSION = 2
OPUS = 0x78


def discovery_answer(packet: bytes, address: str, port: int) -> tuple[int, bytes] | None:
    """Return SSRC and answer of a request for IP discovery, None for another packet."""
    if len(packet) != DISCOVERY_SIZE:
        return None
    kind, size, ssrc = struct.unpack_from(">HHI", packet)
    if (kind, size) != (REQUEST, BODY_SIZE):
        return None
    return ssrc, struct.pack(">HHI64sH", RESPONSE, BODY_SIZE, ssrc, address.encode()[:63], port)


def ssrc_of_sound(packet: bytes) -> int | None:
    """Return the SSRC of an RTP packet with Opus, None for another packet."""
    if len(packet) < RTP_HEADER or packet[0] >> 6 != RTP_VERSION or packet[1] & 0x7F != OPUS:
        return None
    ssrc: int = struct.unpack_from(">I", packet, 8)[0]
    return ssrc
