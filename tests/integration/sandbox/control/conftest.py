"""A whole sandbox with two guilds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from support.sandbox.running import RunningSandbox, running_sandbox


@pytest.fixture
async def sandbox() -> AsyncIterator[RunningSandbox]:
    async with running_sandbox(guilds=2) as running:
        yield running
