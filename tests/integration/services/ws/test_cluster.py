"""The parent's handle of a cluster process, with real processes."""

from __future__ import annotations

import asyncio
import errno

import pytest

from nescord_core.services.ws import cluster
from nescord_core.services.ws.cluster import ClusterHandle
from nescord_core.services.ws.clusters import SHORTAGE_PAUSE, Clusters, ClusterSlot
from nescord_core.settings import WsSettings


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


@pytest.mark.parametrize("what", ["pair", "spawn"])
@pytest.mark.bound(
    "Open files and processes: a worker or cluster that lacks descriptors, memory or processes to start"
)
async def test_a_process_that_lacks_descriptors_is_started_again_and_never_given_up(
    monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def none_left(*_: object, **__: object) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(cluster, what, none_left)
    clusters = Clusters(WsSettings(token="t", intents=0), changed=lambda: None)
    for _ in range(20):
        handle = ClusterHandle(lambda: None)
        await handle.run()
        assert clusters._after_exit(ClusterSlot(0, (0,), handle)) == SHORTAGE_PAUSE
