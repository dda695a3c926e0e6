from __future__ import annotations

import pytest

from integration.gateway.harness import running
from integration.gateway.scripted import Peer, listening


async def chat(peer: Peer) -> None:
    await peer.hello()
    await peer.expect(2)
    await peer.ready()
    await peer.event(2)
    await peer.until_gone()


@pytest.mark.parametrize("compress", ["none", "zlib-stream", "zstd-stream"])
async def test_events_arrive_with_their_identity(compress: str) -> None:
    async with listening(chat) as server, running(server.url, compress=compress) as run:
        await run.seen("MESSAGE_CREATE")
        assert run.cluster.ready
        ready, message = run.events
    assert (ready.type, ready.seq, ready.session_id) == ("READY", 1, "one")
    assert (message.shard_id, message.seq, message.key, message.guild_id) == (0, 2, 7, 7)
    assert message.data == b'{"id": "2", "guild_id": "7", "channel_id": "8"}'
