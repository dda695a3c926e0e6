"""A main that does what a test's script says, on a real port."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import grpc
import grpc.aio

from nescord_core.dispatch.protocol.endpoint import PROTOCOL, SERVICE
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb

__all__ = ["READY", "Script", "fake_main"]

READY = pb.FromMain(ready=pb.Ready(protocol=PROTOCOL, replica="0", credit=100, process="p"))

Script = Callable[[Any, Any], Any]


@asynccontextmanager
async def fake_main(
    script: Script, *, port: int = 0, ready: pb.FromMain = READY
) -> AsyncIterator[tuple[str, list[float]]]:
    """Serve a main that runs ``script(requests, context)`` after Ready; yield its address and the dials."""
    dials: list[float] = []

    async def connect(requests: Any, context: Any) -> None:
        dials.append(time.monotonic())
        await context.read()
        await context.write(ready)
        await script(requests, context)

    # What is not read fills a small window, not megabytes of buffers.
    server = grpc.aio.server(options=[("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 1024)])
    method: Any = grpc.stream_stream_rpc_method_handler(
        connect,
        request_deserializer=pb.FromWs.FromString,
        response_serializer=lambda m: m.SerializeToString(),
    )
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Connect": method}),))
    bound = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{bound}", dials
    finally:
        await server.stop(None)
