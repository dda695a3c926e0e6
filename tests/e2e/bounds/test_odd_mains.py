"""Mains that send too much, or take nothing, dialled by a real ws with real shards."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from nescord_core.wire.nescord.v1 import dispatch_pb2 as pb
from support.dispatch.fake_main import READY, Script, fake_main
from support.system.system import System
from support.system.under_attack import watched

FOR_EVER = 600.0


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A ws under load whose main is each test's own."""
    system = System(tmp_path_factory.mktemp("odd-mains") / "bot")
    system.environ["NESCORD_IDENTIFY_WINDOW"] = "0.1"
    system.start_sandbox()
    system.start("run", "ws")
    system.until_answers("ws", "/healthz")
    with system.load(rate=100):
        yield system
    for started in system.started:
        print(started)
    system.close()
    for started in system.started:
        assert "Traceback" not in started.output, started


async def seen(system: System, text: str, number: int = 1) -> None:
    async with asyncio.timeout(30):
        while system.started[-1].output.count(text) < number:  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.05)


async def run(system: System, script: Script, until: Callable[[], Any], *, most_mb: int = 30) -> list[float]:
    """Let ws dial a main with this script until something has happened; return the times of its dials."""
    with watched(system, "ws", most_mb=most_mb):
        async with fake_main(script, port=system.ports["main"]) as (_, dials), asyncio.timeout(60):
            await until()
            return dials


@pytest.mark.bound("Streams between ws and main: acknowledged ranges in a message")
@pytest.mark.parametrize("kind", ["ack", "handed_back"])
async def test_more_ranges_than_events(system: System, kind: str) -> None:
    ranges = [pb.Range(first=1, last=1)] * 1_000_000
    message = (
        pb.FromMain(ack=pb.Ack(deliveries=ranges))
        if kind == "ack"
        else pb.FromMain(handed_back=pb.Return(deliveries=ranges))
    )
    before = system.started[-1].output.count("ranges of deliveries")

    async def script(_requests: Any, context: Any) -> None:
        await context.write(message)
        await asyncio.sleep(FOR_EVER)

    await run(system, script, lambda: seen(system, "ranges of deliveries", before + 1), most_mb=100)


@pytest.mark.bound("Streams between ws and main: delivery numbers in a range")
async def test_ranges_of_all_numbers_there_are(system: System) -> None:
    again = asyncio.Event()

    async def script(_requests: Any, context: Any) -> None:
        everything = [pb.Range(first=0, last=(1 << 64) - 1)]
        for _ in range(3):
            while (await context.read()).WhichOneof("kind") != "events":
                pass
            await context.write(pb.FromMain(handed_back=pb.Return(deliveries=everything, started=everything)))
        again.set()
        await asyncio.sleep(FOR_EVER)

    await run(system, script, again.wait)


@pytest.mark.bound("Streams between ws and main: answers and renewals that a replica does not read")
async def test_a_main_that_asks_and_never_reads(system: System) -> None:
    ended = asyncio.Event()

    async def script(_requests: Any, context: Any) -> None:
        try:
            for number in range(2_000_000):
                await context.write(pb.FromMain(renew=pb.Renew(id=number)))
        finally:
            ended.set()

    await run(system, script, ended.wait, most_mb=60)


@pytest.mark.bound(
    "Streams between ws and main: gateway commands waiting in a cluster",
    "Streams between ws and main: data of a gateway command",
    "Streams between ws and main: deadline of a gateway command",
)
async def test_more_commands_than_discord_takes(system: System) -> None:
    errors: list[str] = []
    done = asyncio.Event()

    async def script(_requests: Any, context: Any) -> None:
        async def read() -> None:
            while len(errors) < 100:
                message = await context.read()
                if message.WhichOneof("kind") == "command_result" and message.command_result.error:
                    errors.append(message.command_result.error)
            done.set()

        reading = asyncio.create_task(read())
        odd = [(b"x" * 1_000_000, 1.0), (b"{}", float("nan"))]
        for number, (data, deadline) in enumerate([*odd, *[(b"{}", 1e300)] * 10_600]):
            command = pb.GatewayCommand(id=number, shard_id=0, op=3, data=data, deadline=deadline)
            await context.write(pb.FromMain(command=command))
        await reading
        await asyncio.sleep(FOR_EVER)

    await run(system, script, done.wait, most_mb=150)
    assert "larger than Discord accepts" in errors[0]
    assert "not a number" in errors[1]
    assert "10,000 gateway commands are waiting already" in errors[-1]
    assert "connection lost." not in system.started[-1].output, "written to a connection that is gone"


@pytest.mark.bound("Streams between ws and main: dials of a main whose streams end at once")
async def test_a_main_that_ends_each_stream(system: System) -> None:
    async def script(_requests: Any, _context: Any) -> None:
        """End the stream."""

    dials = await run(system, script, lambda: asyncio.sleep(6))
    assert 1 <= len(dials) <= 20


async def test_a_main_that_sends_nonsense(system: System) -> None:
    again = threading.Event()

    async def script(_requests: Any, context: Any) -> None:
        if again.is_set():
            return
        again.set()
        for odd in (READY, pb.FromMain(), pb.FromMain(drain=pb.Drain(timeout=float("nan")))):
            await context.write(odd)
        await asyncio.sleep(FOR_EVER)

    await run(system, script, lambda: asyncio.sleep(3))
