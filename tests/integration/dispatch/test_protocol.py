"""Foreign clients on main's port, and foreign servers where main should be."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, SERVICE
from nescord_core.errors import PortTaken
from nescord_core.settings import MainSettings, WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.peers import Main, Ws, event, until


@asynccontextmanager
async def raw_stream(main: Main) -> AsyncIterator[grpc.aio.StreamStreamCall[bytes, bytes]]:
    """A stream that sends and receives raw bytes."""
    async with grpc.aio.insecure_channel(main.address) as channel:
        yield channel.stream_stream(METHOD, request_serializer=None, response_deserializer=None)()


def hello(protocol: int = PROTOCOL) -> bytes:
    return pb.FromWs(
        hello=pb.Hello(protocol=protocol, version="9.9", shard_ids=[0], shard_count=1)
    ).SerializeToString()


async def works(main: Main, tmp_path: Path) -> None:
    before = len(main.got)
    async with Ws(main.address).running() as ws:
        ws.put([event(1, session="after")])
        await until(lambda: len(main.got) == before + 1)


async def refused(call: grpc.aio.StreamStreamCall[bytes, bytes]) -> grpc.aio.AioRpcError:
    async def read_all() -> None:
        while await call.read() is not grpc.aio.EOF:
            pass

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_all()
    return caught.value


async def test_another_version_is_refused_naming_both(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main:
        async with raw_stream(main) as call:
            await call.write(hello(protocol=77))
            error = await refused(call)
        assert error.code() is grpc.StatusCode.FAILED_PRECONDITION
        assert "77" in str(error.details())
        assert f"protocol {PROTOCOL}" in str(error.details())
        await works(main, tmp_path)


@pytest.mark.parametrize(
    "messages",
    [
        [b"\xff\xff\xff not protobuf"],
        [pb.FromWs(events=pb.EventBatch(first_delivery=1)).SerializeToString()],
        [hello(), b"\xff\xff\xff not protobuf"],
        [
            hello(),
            pb.FromWs(events=pb.EventBatch(first_delivery=1, seq=[1, 2], session=[0])).SerializeToString(),
        ],
        [
            hello(),
            pb.FromWs(
                events=pb.EventBatch(
                    first_delivery=1,
                    seq=[1],
                    session=[9],
                    type=["A"],
                    key=[1],
                    guild_id=[1],
                    received_at=[0],
                    data=[b""],
                )
            ).SerializeToString(),
        ],
    ],
)
async def test_a_foreign_client_ends_its_own_stream_and_nothing_else(
    tmp_path: Path, messages: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with Main(tmp_path).listening() as main:
        async with raw_stream(main) as call:
            for message in messages:
                await call.write(message)
            error = await refused(call)
        assert error.code() is not grpc.StatusCode.OK
        await works(main, tmp_path)
    assert not [record for record in caplog.records if record.exc_info], "a traceback in the log"


async def test_garbage_and_resets_on_the_port_do_no_harm(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main:
        for noise in (b"", b"GET / HTTP/1.1\r\n\r\n", b"\x00" * 4096, b"\x16\x03\x01" + b"z" * 500):
            _, writer = await asyncio.open_connection("127.0.0.1", main.port)
            writer.write(noise)
            await writer.drain()
            writer.transport.abort()
        await works(main, tmp_path)


async def test_the_standard_health_service_answers(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main, grpc.aio.insecure_channel(main.address) as channel:
        check = channel.unary_unary(
            "/grpc.health.v1.Health/Check",
            request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
            response_deserializer=health_pb2.HealthCheckResponse.FromString,
        )
        for service in ("", SERVICE):
            answer = await check(health_pb2.HealthCheckRequest(service=service))
            assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_something_else_where_main_should_be_is_told(tmp_path: Path) -> None:
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        async with Ws(f"127.0.0.1:{port}").running() as ws:
            await until(lambda: ws.sender.stats().replicas and ws.sender.stats().replicas[0].error)
            assert "not nescord's main" in ws.sender.stats().replicas[0].error
    finally:
        await server.stop(0)


async def test_a_message_over_the_limit_ends_the_stream_that_it_came_by_and_nothing_else(
    tmp_path: Path,
) -> None:
    async with Main(tmp_path, settings=MainSettings(message_mb=1)).listening() as main:
        async with raw_stream(main) as call:
            await call.write(hello())
            assert (await message_of(call)).WhichOneof("kind") == "ready"
            await call.write(b"\x00" * ((1 << 20) + 1))
            error = await refused(call)
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert main.receiver.attached == 0
        await works(main, tmp_path)


@pytest.mark.parametrize("ready", [None, pb.Ready(protocol=PROTOCOL + 1), pb.Ready(protocol=PROTOCOL)])
async def test_a_main_that_misbehaves_costs_no_event(tmp_path: Path, ready: pb.Ready | None) -> None:
    """It speaks another version, sends nonsense, or acknowledges what was never sent."""

    async def connect(requests: object, context: grpc.aio.ServicerContext[bytes, bytes]) -> None:
        await context.read()
        await context.write(pb.FromMain(ready=ready).SerializeToString() if ready else b"")
        nonsense = pb.Ack(deliveries=[pb.Range(first=2, last=2**64 - 1), pb.Range(first=9, last=3)])
        await context.write(pb.FromMain(ack=nonsense).SerializeToString())

    server = grpc.aio.server()
    method: grpc.RpcMethodHandler[bytes, bytes] = grpc.stream_stream_rpc_method_handler(connect)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, {"Connect": method}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    ws = Ws(f"127.0.0.1:{port}")
    async with ws.running():
        ws.put([event(1)])
        await asyncio.sleep(0.2)
        if ready is not None and ready.protocol != PROTOCOL:
            await until(ws.error)
            assert f"{PROTOCOL}" in ws.error()
            assert f"{PROTOCOL + 1}" in ws.error()
        await server.stop(0)
        assert ws.sender.stats().depth == 1
        async with Main(tmp_path).listening(port) as main:
            await until(lambda: main.seqs == [1])


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    server = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(PortTaken, match=str(port)):
            async with Main(tmp_path).listening(port):
                pass


async def message_of(call: grpc.aio.StreamStreamCall[bytes, bytes]) -> pb.FromMain:
    received = await call.read()
    assert isinstance(received, bytes)
    return pb.FromMain.FromString(received)


async def test_a_drain_lasts_until_ws_says_that_nothing_follows(tmp_path: Path) -> None:
    batch = pb.EventBatch(
        first_delivery=1,
        sessions=[pb.Session(index=0, shard_id=0, session_id="s")],
        session=[0],
        seq=[1],
        type=["A"],
        key=[1],
        guild_id=[1],
        received_at=[0],
        data=[b"{}"],
    )
    async with Main(tmp_path).listening() as main, raw_stream(main) as call, asyncio.TaskGroup() as tasks:
        await call.write(hello())
        assert (await message_of(call)).WhichOneof("kind") == "ready"
        draining = tasks.create_task(main.receiver.drain(30.0))
        assert (await message_of(call)).WhichOneof("kind") == "drain"
        await call.write(pb.FromWs(events=batch).SerializeToString())
        returned = (await message_of(call)).handed_back
        assert list(returned.deliveries) == [pb.Range(first=1, last=1)]
        assert main.got == []
        assert not draining.done()
        await call.write(pb.FromWs(drained=pb.Drained()).SerializeToString())
        assert await draining == 0


@pytest.mark.bound("Events in ws: a message between ws and main")
async def test_an_event_that_no_message_can_carry_is_given_up_and_the_others_are_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Otherwise it would break the stream on every attempt."""
    async with (
        Main(tmp_path, settings=MainSettings(message_mb=1)).listening() as main,
        Ws(main.address, settings=WsSettings(token="t", intents=0, message_mb=1)).running() as ws,
    ):
        ws.put([event(1), event(2, data=b"x" * (1 << 20)), event(3), event(4, data=b"x" * 1_000_000)])
        await until(lambda: ws.reported == {(0, "s"): 4})
        assert main.seqs == [1, 3, 4]
        assert ws.sender.stats().shed == {0: 1}
        assert ws.sender.stats().redelivered == 0
    assert [r.levelname for r in caplog.records if "exceed the message limit" in r.message] == ["ERROR"]
