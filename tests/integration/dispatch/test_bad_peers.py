"""Peers that speak the protocol and send nonsense: refused with a sentence, and others are served."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

from nescord_core.dispatch.protocol.bounds import MAX_CREDIT
from nescord_core.dispatch.protocol.endpoint import METHOD, PROTOCOL, open_channel
from nescord_core.dispatch.sender.spool.callbacks import SessionCallbacks
from nescord_core.errors import GatewayCommandError
from nescord_core.settings import MainSettings, SecuritySettings, WsSettings
from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.fake_main import Script, fake_main
from support.dispatch.peers import Main, Ws, event, until

WS = WsSettings(token="t", intents=0, outbox_disk_mb=0, redial_max=0.5)


async def nothing(_requests: Any, _context: Any) -> None:
    """End the stream."""


async def drain(_requests: Any, context: Any) -> None:
    await context.write(pb.FromMain(drain=pb.Drain(timeout=float("nan"))))


async def abort(_requests: Any, context: Any) -> None:
    await context.abort(grpc.StatusCode.INTERNAL, "no")


@pytest.mark.parametrize("script", [nothing, drain, abort])
async def test_a_main_that_ends_its_streams_is_not_dialled_without_a_pause(script: Script) -> None:
    async with fake_main(script) as (address, dials), Ws(address, settings=WS).running():
        await asyncio.sleep(2.5)
        assert 3 <= len(dials) <= 14


@pytest.mark.parametrize(
    "message",
    [
        pb.FromMain(ack=pb.Ack(deliveries=[pb.Range(first=1, last=1)] * 10_000)),
        pb.FromMain(handed_back=pb.Return(deliveries=[pb.Range()] * 10_000)),
    ],
    ids=["ack", "return"],
)
async def test_a_main_that_sends_more_ranges_than_it_has_events_is_let_go(
    message: pb.FromMain, caplog: pytest.LogCaptureFixture
) -> None:
    async def script(_requests: Any, context: Any) -> None:
        await context.write(message)
        await asyncio.sleep(60)

    async with fake_main(script) as (address, _), Ws(address, settings=WS).running():
        await until(lambda: "ranges of deliveries with a credit of 100" in caplog.text)


async def test_a_return_of_all_numbers_there_are_costs_nothing() -> None:
    done = asyncio.Event()

    async def script(_requests: Any, context: Any) -> None:
        while (await context.read()).WhichOneof("kind") != "events":
            pass
        everything = [pb.Range(first=0, last=(1 << 64) - 1)]
        await context.write(pb.FromMain(handed_back=pb.Return(deliveries=everything, started=everything)))
        while (await context.read()).WhichOneof("kind") != "events":
            pass
        done.set()
        await asyncio.sleep(60)

    async with fake_main(script) as (address, _):
        ws = Ws(address, settings=WS)
        async with ws.running():
            ws.put([event(1)])
            began = time.process_time()
            async with asyncio.timeout(10):
                await done.wait()
            assert time.process_time() - began < 1.0


@pytest.mark.bound("Events in ws: events in flight on a stream")
async def test_a_main_that_offers_credit_without_end_gets_no_more_than_the_most() -> None:
    got = 0

    async def script(_requests: Any, context: Any) -> None:
        nonlocal got
        while True:
            got += len((await context.read()).events.seq)

    ready = pb.FromMain(ready=pb.Ready(protocol=PROTOCOL, replica="0", credit=(1 << 32) - 1, process="p"))
    async with fake_main(script, ready=ready) as (address, _):
        ws = Ws(address, settings=WS)
        async with ws.running():
            ws.put(event(seq) for seq in range(1, 70_001))
            await until(lambda: got == MAX_CREDIT, seconds=60)
            await asyncio.sleep(0.5)
            assert got == MAX_CREDIT
            assert ws.sender.stats().queued == 70_000 - MAX_CREDIT


async def test_gateway_commands_that_are_absurd_are_answered_with_an_error() -> None:
    answers: list[pb.CommandResult] = []

    async def script(_requests: Any, context: Any) -> None:
        for number, (data, deadline) in enumerate([(b"x" * 1_000_000, 1.0), (b"{}", float("nan"))], 1):
            command = pb.GatewayCommand(id=number, shard_id=0, op=3, data=data, deadline=deadline)
            await context.write(pb.FromMain(command=command))
        while len(answers) < 2:
            message = await context.read()
            if message.WhichOneof("kind") == "command_result":
                answers.append(message.command_result)
        await asyncio.sleep(60)

    async with fake_main(script) as (address, _):
        ws = Ws(address, settings=WS)
        async with ws.running():
            await until(lambda: len(answers) == 2)
            assert "larger than Discord accepts" in answers[0].error
            assert "not a number" in answers[1].error
            assert ws.commands == []


@pytest.mark.bound("Streams between ws and main: nonces of member requests")
async def test_more_member_requests_than_there_is_room_for_are_answered_and_forgotten() -> None:
    answered = 0

    async def script(_requests: Any, context: Any) -> None:
        nonlocal answered
        for number in range(11_000):
            data = b'{"guild_id":"1","nonce":"%d"}' % number
            command = pb.GatewayCommand(id=number, shard_id=0, op=8, data=data, deadline=5.0)
            await context.write(pb.FromMain(command=command))
            if number % 100 == 99:
                while answered <= number:
                    answered += (await context.read()).WhichOneof("kind") == "command_result"
        await asyncio.sleep(60)

    async with fake_main(script) as (address, _):
        ws = Ws(address, settings=WS)
        async with ws.running():
            await until(lambda: answered == 11_000, seconds=60)
            assert len(ws.commands) == 11_000
            assert list(ws.sender._nonces) == [str(number) for number in range(1000, 11_000)]


@pytest.mark.bound("Streams between ws and main: error text of a gateway command")
async def test_the_error_of_a_command_is_cut(tmp_path: Path) -> None:
    async with Main(tmp_path).listening() as main:
        channel = open_channel(main.address, SecuritySettings(), keepalive=10)
        async with channel:
            call: Any = channel.stream_stream(
                METHOD,
                request_serializer=pb.FromWs.SerializeToString,
                response_deserializer=pb.FromMain.FromString,
            )()
            await call.write(hello())
            await call.read()
            await until(lambda: main.receiver.attached)

            async def answer() -> None:
                number = (await call.read()).command.id
                error = "x" * 5_000_000
                await call.write(pb.FromWs(command_result=pb.CommandResult(id=number, error=error)))

            command = main.receiver.command(shard_id=0, op=3, data=b"{}", deadline=5.0)
            raised, _ = await asyncio.gather(command, answer(), return_exceptions=True)
            assert isinstance(raised, GatewayCommandError)
            assert len(str(raised)) < 2100
            call.cancel()


@pytest.mark.bound("Events in ws: an event that cannot be encoded")
async def test_an_event_that_cannot_be_encoded_is_set_aside_and_the_others_arrive(tmp_path: Path) -> None:
    aside: list[int] = []
    callbacks = SessionCallbacks(set_aside=lambda envelope, _why: aside.append(envelope.seq))
    async with Main(tmp_path).listening() as main:
        ws = Ws(main.address, settings=WS, callbacks=callbacks)
        async with ws.running():
            ws.put([event(seq, guild=1 << 70 if seq == 5 else 1) for seq in range(1, 11)])
            ws.put([event(11, session="another")])
            await until(lambda: len(main.got) == 10)
            await until(lambda: ws.reported.get((0, "s")) == 10)
            assert aside == [5]
            assert main.seqs == [1, 2, 3, 4, 6, 7, 8, 9, 10, 11]
            assert not any(d.envelope.redelivered for d in main.got)
            assert ws.sender.stats().received == 11


async def say(port: int, *messages: pb.FromWs) -> str:
    """Send messages to a main and return why it refused them."""
    async with open_channel(f"127.0.0.1:{port}", SecuritySettings(), keepalive=10) as channel:
        call = channel.stream_stream(
            METHOD,
            request_serializer=pb.FromWs.SerializeToString,
            response_deserializer=pb.FromMain.FromString,
        )(iter(messages))
        try:
            async with asyncio.timeout(20):
                while isinstance(await call.read(), pb.FromMain):
                    pass
        except grpc.aio.AioRpcError as error:
            return str(error.details())
        return str(await call.details())


def hello(**changes: Any) -> pb.FromWs:
    facts: dict[str, Any] = {"protocol": PROTOCOL, "cluster": "c", "shard_ids": [0], "shard_count": 1}
    return pb.FromWs(hello=pb.Hello(**(facts | changes)))


def batch(count: int, **changes: Any) -> pb.FromWs:
    columns: dict[str, Any] = {
        "first_delivery": 1,
        "sessions": [pb.Session(index=0, shard_id=0, session_id="s")],
        "session": [0] * count,
        "seq": range(1, count + 1),
        "type": ["T"] * count,
        "key": [1] * count,
        "guild_id": [1] * count,
        "received_at": [1.0] * count,
        "data": [b"{}"] * count,
    }
    return pb.FromWs(events=pb.EventBatch(**(columns | changes)))


async def test_a_ws_that_sends_nonsense_is_refused_with_a_sentence_and_others_go_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = MainSettings(drain_timeout=0.2, credit=100)
    async with Main(tmp_path, settings=settings, auto=False).listening() as main:
        ws = Ws(main.address, settings=replace(WS, grpc_hosts=(main.address,)))
        async with ws.running():
            assert "lease" in await say(main.port, hello(lease=1e-9))
            assert "lease" in await say(main.port, hello(lease=float("nan")))
            assert "shards" in await say(main.port, hello(shard_ids=range(1_000_000), shard_count=1_000_000))
            odd = pb.Session(index=0, shard_id=0, session_id="a\t1\n0\tb")
            assert "session id" in await say(main.port, hello(), batch(1, sessions=[odd]))
            assert "delivery" in await say(main.port, hello(), batch(1, first_delivery=(1 << 64) - 1))
            assert "columns" in await say(main.port, hello(), batch(2, seq=[1]))
            assert "credit" in await say(main.port, hello(), batch(101))
            ws.put([event(1)])
            await until(lambda: main.got)
            assert sum(len(record.getMessage()) for record in caplog.records) < 10_000


@pytest.mark.bound("Streams between ws and main: log lines about wrong secrets")
async def test_wrong_secrets_are_one_line_a_minute(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.WARNING)
    settings = MainSettings(drain_timeout=0.2, security=SecuritySettings(secret="right"))
    async with Main(tmp_path, settings=settings).listening() as main:
        for _ in range(20):
            await say(main.port, hello())
    assert len([r for r in caplog.records if "secret is wrong" in r.message]) <= 1
