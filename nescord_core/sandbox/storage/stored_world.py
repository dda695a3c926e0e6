"""The format of a stored world: JSON, with a version. No I/O.

URLs of the sandbox's own files contain its address, which may be another one at the next start.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Any, get_type_hints

import msgspec

from nescord_core.sandbox.world.simcord.model import Message
from nescord_core.sandbox.world.simcord.stored_model import (
    StoredModel,
    restore,
    restore_messages,
    stored_messages,
    stored_model,
)
from nescord_core.sandbox.world.unmodelled_state import ExtraState
from nescord_core.sandbox.world.world import World

__all__ = ["MESSAGES", "DamagedWorld", "StoredFile", "decoded", "encoded", "encoded_messages", "filled"]
__all__ += ["filled_messages"]

VERSION = 1
MESSAGES = 1000
"""Newest messages of a channel that are stored."""
TRANSIENT = frozenset({"nonces", "command_creates", "unavailable_guilds"})
"""Fields of `ExtraState` that end with the process: what is counted by the day, and outages."""
FILES = "/cdn/"


class DamagedWorld(ValueError):
    """A stored world that cannot be read; the text says why."""


class StoredFile(msgspec.Struct):
    """A file that messages, emojis and so on show: where it is served, and its size in bytes."""

    path: str
    content_type: str
    size: int


class StoredWorld(msgspec.Struct):
    """The file ``world.json``. ``name`` tells this world from others; it is part of every session id."""

    version: int
    name: str
    url: str
    files: list[StoredFile]
    model: StoredModel
    extra_state: dict[str, msgspec.Raw]


class Header(msgspec.Struct):
    """What every version of the file has."""

    version: int
    url: str


class StoredChannel(msgspec.Struct):
    """The messages of a channel."""

    version: int
    url: str
    messages: list[Message]


def encoded(world: World, name: str, files: list[StoredFile]) -> bytes:
    """Return everything but messages and the contents of files."""
    extra = {
        each.name: msgspec.Raw(msgspec.json.encode(getattr(world.extra_state, each.name)))
        for each in fields(ExtraState)
        if each.name not in TRANSIENT
    }
    model = stored_model(world.model)
    return msgspec.json.encode(StoredWorld(VERSION, name, world.public_url, files, model, extra))


def encoded_messages(world: World, channel_id: int) -> bytes:
    """Return the messages of a channel."""
    messages = stored_messages(world.model, channel_id, MESSAGES)
    return msgspec.json.encode(StoredChannel(VERSION, world.public_url, messages))


def decoded(data: bytes, url: str) -> StoredWorld:
    """Read a world, for a sandbox at ``url``. Raises DamagedWorld."""
    stored: StoredWorld = _decoded(data, url, StoredWorld)
    return stored


def filled(world: World, stored: StoredWorld) -> None:
    """Replace the world's state. Raises DamagedWorld; the world is as it was then."""
    hints = get_type_hints(ExtraState)
    try:
        extra = {
            name: msgspec.json.decode(raw, type=hints[name])
            for name, raw in stored.extra_state.items()
            if name in hints
        }
        restore(world.model, stored.model)
    except (KeyError, IndexError, ValueError, TypeError) as error:  # DecodeError is a ValueError
        raise DamagedWorld(f"{type(error).__name__}: {error}") from None
    for name, value in extra.items():
        setattr(world.extra_state, name, value)


def filled_messages(world: World, channel_id: int, data: bytes) -> None:
    """Add a channel's messages. Raises DamagedWorld."""
    restore_messages(world.model, channel_id, _decoded(data, world.public_url, StoredChannel).messages)


def _decoded(data: bytes, url: str, kind: Any) -> Any:
    try:
        header = msgspec.json.decode(data, type=Header)
        if header.version != VERSION:
            raise DamagedWorld(f"it has version {header.version}, and this is nescord for version {VERSION}")
        if header.url and header.url != url:
            data = data.replace(f"{header.url}{FILES}".encode(), f"{url}{FILES}".encode())
        return msgspec.json.decode(data, type=kind)
    except msgspec.DecodeError as error:  # a ValidationError is one, too
        raise DamagedWorld(str(error)) from None
