"""The REST half of a sandbox, and the events of its world."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.sandbox.running_rest import Events, Rest, sandbox


@pytest.fixture
async def rest() -> AsyncIterator[Rest]:
    async with sandbox() as started:
        yield started


@pytest.fixture
def heard(rest: Rest) -> Events:
    """Every event since the start of the test, with its payload."""
    events: Events = []
    rest.world.subscribe(lambda event, payload, *_: events.append((event, payload)))
    return events
