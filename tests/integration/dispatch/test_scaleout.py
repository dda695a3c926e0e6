"""A replica that joins under load takes its share of the guilds; nothing is lost, doubled or reordered."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from nescord_core.settings import WsSettings
from support.dispatch.bot_process import Row, check_rows, running_bots
from support.dispatch.peers import Ws, event, until

GUILDS = 300
TOTAL = 3000


def owners(rows: list[Row]) -> dict[int, list[str]]:
    """Return which replicas handled events of each guild, in order."""
    found: dict[int, list[str]] = {}
    for row in rows:
        who = found.setdefault(row.guild, [])
        if who[-1:] != [row.bot]:
            who.append(row.bot)
    return found


async def test_a_replica_that_joins_under_load_takes_its_share_and_nothing_is_lost(tmp_path: Path) -> None:
    """The periodic lookup of the name finds it, as when scaling out in a cluster."""
    async with running_bots(tmp_path) as bots:
        for name in ("a", "b", "c"):
            await bots.start(name, wait=0.005)
        known = [bots.addresses["a"], bots.addresses["b"]]

        async def lookup(name: str, port: int) -> list[str]:
            return list(known)

        settings = replace(WsSettings(token="t", intents=0, outbox_disk_mb=0), resolve_interval=0.05)
        async with Ws("dns:///bots:1", settings=settings, lookup=lookup).running() as ws:
            await until(lambda: attached(ws) == 2)
            for seq in range(1, TOTAL + 1):
                ws.put([event(seq, guild=seq % GUILDS + 1)])
                if seq == TOTAL // 2:
                    known.append(bots.addresses["c"])
                if seq > TOTAL * 3 // 5:  # the rest is put once it has joined
                    await until(lambda: attached(ws) == 3)
                if seq % 10 == 0:
                    await asyncio.sleep(0.005)
            await until(lambda: ws.sender.stats().depth == 0)
            assert ws.sender.stats().redelivered == 0
    rows = bots.rows()
    assert check_rows(rows, TOTAL) == 0
    moved = [who for who in owners(rows).values() if len(who) > 1]
    assert 0.2 < len(moved) / GUILDS < 0.47, "about a third of the guilds belongs to one of three replicas"
    assert all(len(who) == 2 and who[1] == "c" for who in moved), "a guild moved for no reason"


def attached(ws: Ws) -> int:
    return sum(each.state == "attached" for each in ws.sender.stats().replicas)
