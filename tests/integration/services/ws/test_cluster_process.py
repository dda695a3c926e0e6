"""A cluster process connects its shards only after it has read the spool of an earlier process."""

from __future__ import annotations

import asyncio
import threading
from pathlib import Path

import pytest

from integration.gateway.harness import ws_settings
from integration.gateway.scripted import Peer, listening
from nescord_core.dispatch.sender.spool import files
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


async def test_no_shard_connects_before_it_is_known_what_an_earlier_process_left_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Events of a new session would overtake those on disk."""
    begun, may_end = threading.Event(), threading.Event()

    def slow_read(path: Path) -> bytes:  # no file system to be had here is slow on request
        begun.set()
        may_end.wait(60)
        return path.read_bytes()

    monkeypatch.setattr(files, "read_bytes", slow_read)
    folder = tmp_path / "spool" / "00000-killed-0"
    folder.mkdir(parents=True)
    (folder / "00000001.events").touch()
    settings = ws_settings(state_dir=tmp_path, grpc_hosts=("127.0.0.1:9",), stop_timeout=0.1)
    async with listening(greeting) as server, asyncio.TaskGroup() as tasks:
        ours, theirs = parent_channel.pair()
        parent: Channel[FromCluster, FromParent] = await Channel.over(ours, from_cluster)
        child: Channel[FromParent, FromCluster] = await Channel.over(theirs, from_parent)
        cluster = ClusterProcess(Begin(settings, 0, (0,), 1, server.url), child)
        receiver, running = tasks.create_task(cluster.handle_messages()), tasks.create_task(cluster.run())
        try:
            await until(begun.is_set)
            await asyncio.sleep(0.5)
            assert server.peers == []
        finally:
            may_end.set()
        await until(lambda: server.peers)
        parent.send(StopNow())
        await running
        await parent.close()
        await receiver
        await child.close()
