"""A cluster's process as its parent sees it, with real processes."""

from __future__ import annotations

import asyncio

import pytest

from nescord_core.services.ws.cluster import ClusterHandle


@pytest.mark.parametrize("turns", range(6))
async def test_a_stop_while_its_process_is_being_made_ends_it(turns: int) -> None:
    """Asked before there is a process to signal, the request must reach the one that is on its way."""
    member = ClusterHandle(lambda: None)
    async with asyncio.timeout(30), asyncio.TaskGroup() as tasks:
        tasks.create_task(member.run())
        for _ in range(turns):
            await asyncio.sleep(0)
        member.stop(grace=5.0)
    assert member.ended.is_set()
    assert member.exit_code != 0
