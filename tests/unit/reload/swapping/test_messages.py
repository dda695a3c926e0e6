from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from nescord_core.reload.swapping.messages import (
    AskStats,
    Begin,
    Broken,
    Channel,
    Drained,
    DrainNow,
    Imported,
    Listening,
    Stats,
    pair,
    receive_begin,
    send,
)
from nescord_core.settings import MainSettings, SecuritySettings

SETTINGS = MainSettings(
    project_dir=Path("/srv/bot"),
    token="a.b.c",
    security=SecuritySettings(secret="s", tls_ca=Path("/etc/ca.pem")),
)
BEGIN = Begin(SETTINGS, replica="3", generation=7)


@pytest.mark.parametrize("message", [BEGIN, DrainNow(), AskStats()])
async def test_what_the_parent_says_arrives_as_it_was(message: Begin | DrainNow | AskStats) -> None:
    ours, theirs = pair()
    parent, worker = await Channel.of_parent(ours), await Channel.of_worker(theirs)
    parent.send(message)
    assert await worker.receive() == message
    await parent.close()
    await worker.close()


@pytest.mark.parametrize(
    "message",
    [
        Listening("127.0.0.1:5000", 8.2, 3.0),
        Broken("SyntaxError", "a.py", 3, "> 3 | x\n  4 | y", "Traceback\n  ..."),
        Drained({"finished": 3, "seconds": 0.5}, {"since": b"\x80\x04"}),
        Stats({"failures": {"ping": 1}}),
    ],
)
async def test_what_a_worker_says_arrives_as_it_was(message: Listening | Broken | Drained | Stats) -> None:
    ours, theirs = pair()
    parent = await Channel.of_parent(ours)
    send(theirs, message)
    assert await parent.receive() == message
    theirs.close()
    assert await parent.receive() is None, "the end of the channel is the end of the worker"
    await parent.close()


async def test_a_worker_reads_its_order_before_it_has_a_loop_and_the_rest_in_it() -> None:
    ours, theirs = pair()
    parent = await Channel.of_parent(ours)
    parent.send(BEGIN)
    parent.send(DrainNow())
    assert await asyncio.to_thread(receive_begin, theirs) == BEGIN
    worker = await Channel.of_worker(theirs)
    assert await worker.receive() == DrainNow()
    await worker.close()
    await parent.close()


def test_a_worker_whose_parent_is_gone_gets_no_order() -> None:
    ours, theirs = pair()
    with theirs:
        ours.close()
        assert receive_begin(theirs) is None
        send(theirs, Stats({}))


async def test_a_long_list_of_modules_passes() -> None:
    ours, theirs = pair()
    parent, worker = await Channel.of_parent(ours), await Channel.of_worker(theirs)
    names = tuple(f"package.module_{number}" for number in range(20_000))
    worker.send(Imported(names))
    message = await parent.receive()
    assert isinstance(message, Imported)
    assert message.modules == names
    await parent.close()
    await worker.close()


@pytest.mark.parametrize("line", [b"{}\n", b"\xff\n", b'{"type":"stats"'])
async def test_a_damaged_line_is_the_end(line: bytes) -> None:
    ours, theirs = pair()
    parent = await Channel.of_parent(ours)
    theirs.sendall(line)
    theirs.close()
    assert await parent.receive() is None
    await parent.close()
