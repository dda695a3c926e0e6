"""Reads what is intact of a damaged spool file."""

from __future__ import annotations

import re
from typing import NamedTuple

from nescord_core.dispatch.sender.spool.records import MAGIC, Stored, decode
from nescord_core.process.record_frames import HEAD, next_intact, payload_at

__all__ = ["Salvaged", "salvage"]

_START = re.compile(
    rb"(?=\x92(?:[\x00-\x7f\xe0-\xff]|[\xcc\xd0].|[\xcd\xd1]..|[\xce\xd2].{4}|[\xcf\xd3].{8})\x99)", re.DOTALL
)
"""How the MessagePack of a record starts: a pair of an integer and a tuple of nine."""


class Salvaged(NamedTuple):
    """The intact records of a file, and the number of bytes that belong to none."""

    items: list[Stored]
    unreadable: int


def salvage(data: bytes) -> Salvaged:
    """Read the intact records of a file that begins with `MAGIC`, those after damage included."""
    found: list[Stored] = []
    at, unreadable = len(MAGIC), 0
    while at < len(data):
        payload = payload_at(data, at)
        if payload is None:
            end = next_intact(data, at, _START) or len(data)
            items: list[Stored] = []
        else:
            end = at + HEAD.size + len(payload)
            items, _ = decode(MAGIC + data[at:end])
        found += items
        unreadable += 0 if items else end - at
        at = end
    return Salvaged(found, unreadable)
