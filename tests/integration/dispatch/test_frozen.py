"""A main that ws has given up on, frozen or cut off, starts no event that another replica has started."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from nescord_core.settings import WsSettings
from support.dispatch.bot_process import Bots, check_rows, running_bots
from support.dispatch.peers import Ws, event, until
from support.network.tcp_relay import TcpRelay, tcp_relay

WS = WsSettings(token="t", intents=0, lease=0.4, outbox_disk_mb=0)
GUILDS = 30


@asynccontextmanager
async def two_bots(folder: Path, settings: WsSettings = WS) -> AsyncIterator[tuple[Bots, TcpRelay, Ws]]:
    """Two replicas, the first behind a relay; both handle a guild's events one at a time."""
    async with running_bots(folder) as bots:
        first, second = [await bots.start(name, wait=0.02, ordered=True) for name in ("first", "second")]
        async with (
            tcp_relay(int(first.rpartition(":")[2])) as relay,
            Ws(relay.address, second, settings=settings).running() as ws,
        ):
            await until(lambda: attached(ws) == 2)
            yield bots, relay, ws


def attached(ws: Ws) -> int:
    return sum(each.state == "attached" for each in ws.sender.stats().replicas)


def feed(ws: Ws, first: int, last: int) -> None:
    ws.put(event(seq, guild=seq % GUILDS + 1) for seq in range(first, last + 1))


async def test_a_process_that_was_frozen_begins_nothing_that_was_given_to_another(tmp_path: Path) -> None:
    """Its buffers and guild queues are full of events that the other one has handled meanwhile."""
    async with two_bots(tmp_path, replace(WS, keepalive=1.5)) as (bots, _, ws):
        feed(ws, 1, 600)
        await until(lambda: any(row.bot == "first" for row in bots.rows()))
        bots.processes["first"].send_signal(signal.SIGSTOP)
        feed(ws, 601, 900)
        await until(lambda: ws.sender.stats().depth == 0)
        before = len(bots.rows())
        bots.processes["first"].send_signal(signal.SIGCONT)
        await until(lambda: attached(ws) == 2)
        feed(ws, 901, 1000)
        await until(lambda: ws.sender.stats().depth == 0)
        rows = bots.rows()
        check_rows(rows, 1000)
        assert {row.seq for row in rows[before:]} == set(range(901, 1001)), "old events were begun"
        assert {row.bot for row in rows[before:]} == {"first", "second"}


async def test_a_process_that_is_cut_off_gives_up_what_it_has_not_begun(tmp_path: Path) -> None:
    async with two_bots(tmp_path) as (bots, relay, ws):
        feed(ws, 1, 900)
        await until(lambda: any(row.bot == "first" for row in bots.rows()))
        relay.refuses = True
        relay.reset()
        await until(lambda: ws.sender.stats().depth == 0)
        relay.refuses = False
        await until(lambda: attached(ws) == 2)
        again = check_rows(bots.rows(), 900)
        assert again <= GUILDS, "only what had begun may be handled twice"


async def test_a_path_that_falls_silent_is_noticed_and_its_events_are_handled_once_more_at_most(
    tmp_path: Path,
) -> None:
    """Both processes are healthy and connected, but nothing gets through: only keepalive notices."""
    async with two_bots(tmp_path, replace(WS, keepalive=1.5)) as (bots, relay, ws):
        feed(ws, 1, 600)
        await until(lambda: any(row.bot == "first" for row in bots.rows()))
        relay.fall_silent()
        feed(ws, 601, 900)
        await until(lambda: ws.sender.stats().depth == 0)
        await until(lambda: attached(ws) == 2)
        feed(ws, 901, 1000)
        await until(lambda: ws.sender.stats().depth == 0)
        rows = bots.rows()
        check_rows(rows, 1000)
        assert {row.bot for row in rows if row.seq > 900} == {"first", "second"}
        assert relay.resets == 0


async def test_a_reset_in_the_middle_of_a_batch_costs_no_event_and_no_waiting(tmp_path: Path) -> None:
    """The redialled process itself reports that it has dropped the rest, so no fence is needed."""
    settings = replace(WS, lease=60.0, keepalive=120.0)
    async with two_bots(tmp_path, settings) as (bots, relay, ws):
        for first in range(1, 1001, 200):
            relay.reset_in_the_middle()
            feed(ws, first, first + 199)
            await asyncio.sleep(0.1)
        await until(lambda: ws.sender.stats().depth == 0)
        check_rows(bots.rows(), 1000)
        assert relay.resets >= 2
