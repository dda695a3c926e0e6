"""The parent's handle of a cluster process, with real processes."""

from __future__ import annotations

import asyncio

import pytest

from nescord_core.services.ws.cluster import ClusterHandle


@pytest.mark.parametrize("turns", range(6))
async def test_a_stop_while_its_process_is_being_made_ends_it(turns: int) -> None:
    """A request made before there is a process to signal must reach the process being started."""
    handle = ClusterHandle(lambda: None)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(handle.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        handle.stop(grace=5.0)
    assert handle.ended.is_set()
    assert handle.exit_code != 0
