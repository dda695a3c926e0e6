"""Records what a world announces."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nescord_core.sandbox.world.world import World


class EventRecorder:
    """Every event since it was made; ``stop`` ends the recording."""

    def __init__(self, world: World) -> None:
        self.heard: list[tuple[str, Mapping[str, Any], int, int | None]] = []
        self.stop = world.subscribe(lambda *event: self.heard.append(event))

    @property
    def names(self) -> list[str]:
        return [event for event, *_ in self.heard]

    def last(self, event: str) -> Mapping[str, Any]:
        return next(payload for name, payload, *_ in reversed(self.heard) if name == event)
