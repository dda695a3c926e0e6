"""A snapshot that the bot's library cannot use costs what is in it; the stream and its events go on."""

from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.dispatch.receiver.receiver import Delivery, Receiver
from nescord_core.settings import MainSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.raw_ws import WsPeer, until


async def test_events_go_on_after_a_snapshot_that_cannot_be_used(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def picture(_: object) -> None:
        raise KeyError("username")

    def accept(delivery: Delivery) -> None:
        receiver.done(delivery)

    settings = MainSettings(state_dir=tmp_path, drain_timeout=1.0)
    receiver = Receiver(settings, replica="0", generation=1, accept=accept, picture=picture)
    async with receiver, WsPeer(await receiver.listen("127.0.0.1", 0)) as ws:
        ws._outgoing.put_nowait(pb.FromWs(snapshot=pb.Snapshot(shard_id=0, first=True, last=True)))
        number = ws.event("T")
        await until(lambda: ws.acked == [number])
    assert "could not be used (KeyError: 'username')" in caplog.text
