"""A cluster process connects its shards only after it has read the spool of an earlier process."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

from integration.gateway.harness import ws_settings
from integration.gateway.scripted import Peer, listening
from nescord_core.process import parent_channel
from nescord_core.process.parent_channel import Channel
from nescord_core.services.ws.cluster_process import ClusterProcess
from nescord_core.services.ws.messages import (
    Begin,
    FromCluster,
    FromParent,
    StopNow,
    from_cluster,
    from_parent,
)
from support.dispatch.peers import until


async def greeting(peer: Peer) -> None:
    await peer.hello()
    await peer.until_gone()


async def reader_of(path: Path) -> int:
    """Wait until the pipe has a reader; the reader blocks until the returned descriptor is closed."""
    async with asyncio.timeout(60):
        while True:
            try:
                return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
            except OSError:  # no reader yet
                await asyncio.sleep(0.005)


async def test_no_shard_connects_before_it_is_known_what_an_earlier_process_left_on_disk(
    tmp_path: Path,
) -> None:
    """Events of a new session would overtake those on disk."""
    folder = tmp_path / "spool" / "00000-killed-0"
    folder.mkdir(parents=True)
    left = folder / "00000001.events"
    os.mkfifo(left)  # stands for a file on a slow disk
    settings = ws_settings(state_dir=tmp_path, grpc_hosts=("127.0.0.1:9",), stop_timeout=0.1)
    async with listening(greeting) as server, asyncio.TaskGroup() as tasks:
        ours, theirs = parent_channel.pair()
        parent: Channel[FromCluster, FromParent] = await Channel.over(ours, from_cluster)
        child: Channel[FromParent, FromCluster] = await Channel.over(theirs, from_parent)
        cluster = ClusterProcess(Begin(settings, 0, (0,), 1, server.url), child)
        receiver, running = tasks.create_task(cluster.handle_messages()), tasks.create_task(cluster.run())
        slow = await reader_of(left)
        try:
            await asyncio.sleep(0.5)
            assert server.peers == []
        finally:
            os.close(slow)
        await until(lambda: server.peers)
        parent.send(StopNow())
        await running
        await parent.close()
        await receiver
        await child.close()
