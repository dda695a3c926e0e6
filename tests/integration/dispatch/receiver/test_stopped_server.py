"""A server that stops under a stream, as a draining worker's does, ends it without a traceback."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any, NoReturn

import grpc.aio
import pytest

from nescord_core.dispatch.protocol.endpoint import PROTOCOL
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.peers import Main


class ServerStopped(grpc.aio.BaseError):
    """What gRPC raises where a server has stopped; its own class is private."""


class StoppedContext:
    """A stream that has got Hello and Ready, and whose server stops then."""

    def __init__(self) -> None:
        self.written: list[pb.FromMain] = []

    def peer(self) -> str:
        return "ipv4:127.0.0.1:1"

    async def read(self) -> pb.FromWs:
        if self.written:
            await asyncio.sleep(0.01)
            raise ServerStopped
        return pb.FromWs(hello=pb.Hello(protocol=PROTOCOL, cluster="c", shard_ids=[0], shard_count=1))

    async def write(self, message: pb.FromMain) -> None:
        self.written.append(message)

    async def abort(self, *_: Any) -> NoReturn:
        raise AssertionError("nothing is wrong with the stream")


async def test_a_server_that_stops_under_a_stream(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    async with Main(tmp_path).listening() as main:
        await main.receiver._connect(None, StoppedContext())  # type: ignore[arg-type]  # what it uses of one
        assert main.receiver.attached == 0
    assert "stream from ws at ipv4:127.0.0.1:1 broke" in caplog.text
