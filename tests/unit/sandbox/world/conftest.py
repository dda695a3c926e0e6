"""A seeded world, and a recorder of its events."""

from __future__ import annotations

import pytest

from nescord_core.sandbox.world.world import World
from nescord_core.settings import SandboxSettings
from support.sandbox.world_events import EventRecorder


@pytest.fixture
def world() -> World:
    made = World(SandboxSettings())
    made.seed()
    return made


@pytest.fixture
def recorder(world: World) -> EventRecorder:
    return EventRecorder(world)
