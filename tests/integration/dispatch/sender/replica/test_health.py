"""A replica that hangs on an event, a silent one and a dead one are reported differently."""

from __future__ import annotations

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from nescord_core.dispatch.sender.replica.link import ReplicaStats
from nescord_core.settings import WsSettings
from support.dispatch.bot_process import running_bots
from support.dispatch.peers import Ws, event, until

WS = WsSettings(token="t", intents=0, keepalive=60.0, outbox_disk_mb=0)
GUILDS = 40


def replica(ws: Ws, address: str) -> ReplicaStats:
    return next(each for each in ws.sender.stats().replicas if each.address == address)


async def test_stuck_silent_and_dead_are_three_things(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = replace(WS, stuck_after=0.5, silent_after=0.8, lease=0.3)
    async with running_bots(tmp_path) as bots:
        hangs = await bots.start("hangs", wait=600.0, ordered=True)
        works = await bots.start("works")
        async with Ws(hangs, works, settings=settings).running() as ws:
            await until(lambda: [each.state for each in ws.sender.stats().replicas] == ["attached"] * 2)
            ws.put(event(seq, guild=seq % GUILDS + 1) for seq in range(1, 10 * GUILDS))
            await until(lambda: replica(ws, hangs).condition == "stuck")
            await until(lambda: replica(ws, works).in_flight == 0)
            assert replica(ws, works).condition == "well"
            assert replica(ws, hangs).state == "attached", "one that hangs keeps its guilds"
            assert ws.sender.stats().redelivered == 0
            bots.processes["works"].send_signal(signal.SIGSTOP)
            await until(lambda: replica(ws, works).condition == "silent")
            assert replica(ws, works).state == "attached"
            bots.processes["works"].send_signal(signal.SIGCONT)
            await until(lambda: replica(ws, works).condition == "well")
            bots.processes["hangs"].kill()
            await until(lambda: replica(ws, hangs).state == "dialling")
            assert replica(ws, hangs).condition == ""
            await until(lambda: ws.sender.stats().depth == 0)
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert any("has not finished MESSAGE_CREATE" in line and hangs in line for line in said)
    assert any("has sent nothing" in line and works in line for line in said)
