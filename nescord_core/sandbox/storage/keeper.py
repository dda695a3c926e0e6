"""Writes the world when it has changed: soon, and not so often that it would slow the sandbox down."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Mapping
from typing import Any

from nescord_core.process.os_errors import reason_of
from nescord_core.sandbox.storage.world_files import WorldFiles
from nescord_core.sandbox.world.world import World

__all__ = ["WorldKeeper", "pause_before"]

SOON = 0.5
"""Seconds from a change until it is written: what a killed sandbox may lose."""
SHARE = 20
"""A save that takes a second is followed by at least this many seconds without one."""

log = logging.getLogger("nescord.sandbox")


def pause_before(took: float) -> float:
    """Return the seconds from a change to the next save, if the last one has taken ``took`` seconds."""
    return max(SOON, took * SHARE)


class WorldKeeper:
    """Keeps one world on disk. ``name`` is the world's; a world that comes back has the name it had."""

    def __init__(self, world: World, files: WorldFiles) -> None:
        self.name = secrets.token_hex(4)
        self._world = world
        self._files = files
        self._changed = asyncio.Event()
        self._channels: set[int] = set()
        self._took = 0.0
        self._failed = False
        self._forgotten = False

    def load(self) -> bool:
        """Fill the world with the stored one; returns whether there was one."""
        name = self._files.load(self._world)
        self.name = name or self.name
        return name is not None

    def begin(self) -> None:
        """Note what changes from now on."""
        self._channels = set(self._world.model.channels)
        self._world.subscribe(self._on_event)
        self.changed()

    def changed(self) -> None:
        """Note that something may have changed that no event tells."""
        self._changed.set()

    def forget(self) -> None:
        """Write nothing more: the stored world is to be removed."""
        self._forgotten = True

    def _on_event(self, _event: str, payload: Mapping[str, Any], _guild_id: int, _key: int | None) -> None:
        if (channel_id := payload.get("channel_id")) is not None:
            self._channels.add(int(channel_id))
        self._changed.set()

    async def run(self) -> None:
        """Write changes until cancelled."""
        while True:
            await self._changed.wait()
            await asyncio.sleep(pause_before(self._took))
            await self.save()

    async def save(self) -> None:
        """Write the world as it is now."""
        if self._forgotten:
            return
        self._changed.clear()
        channels, self._channels = self._channels, set()
        began = time.monotonic()
        save = self._files.prepared(self._world, self.name, channels)
        try:
            await asyncio.to_thread(self._files.write, save)
        except OSError as error:
            self._channels |= channels
            if not self._failed:
                log.warning("the world is not stored: %s", reason_of(error))
            self._failed = True
        else:
            self._failed = False
        self._took = time.monotonic() - began
