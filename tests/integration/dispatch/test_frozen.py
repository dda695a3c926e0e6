"""A main that ws has given up is still there, frozen or cut off: it begins nothing that another has begun."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from nescord_core.settings import WsSettings
from support.tcp_relay import TcpRelay, tcp_relay
from support.wire_peers import Ws, event, until

WS = WsSettings(token="t", intents=0, keepalive=0.5, lease=0.4, outbox_disk_mb=0)
GUILDS = 30

PROGRAM = """
import asyncio, os, sys
from pathlib import Path
from nescord_core import WsListener
from nescord_core.bot.runtime import Runtime
from nescord_core.settings import MainSettings

name, folder = sys.argv[1], Path(sys.argv[2])
ledger = os.open(folder / "ledger", os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
listener = WsListener()

@listener.on("message_create", ordered=True)
async def write(message, event):
    os.write(ledger, f"{name} {event.guild_id} {event.seq} {int(event.redelivered)}\\n".encode())
    await asyncio.sleep(0.02)

async def main():
    settings = MainSettings(state_dir=folder / name, listen_port=0, keepalive=0.5)
    async with Runtime(listener, settings) as runtime:
        print(runtime.port, flush=True)
        await asyncio.Event().wait()

asyncio.run(main())
"""


class Bots:
    """Two mains as processes, the first behind a relay, and what both have handled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: list[asyncio.subprocess.Process] = []

    async def start(self, name: str) -> int:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, name, str(self.folder), stdout=asyncio.subprocess.PIPE
        )
        self.processes.append(process)
        assert process.stdout is not None
        return int(await process.stdout.readline())

    async def close(self) -> None:
        for process in self.processes:
            process.kill()
            await process.wait()

    def rows(self) -> list[tuple[str, int, int, bool]]:
        """Return (who, guild, seq, marked), in the order in which handlers began."""
        lines = (self.folder / "ledger").read_text().splitlines()
        return [
            (name, int(guild), int(seq), marked == "1") for name, guild, seq, marked in map(str.split, lines)
        ]


@asynccontextmanager
async def two_bots(folder: Path, settings: WsSettings = WS) -> AsyncIterator[tuple[Bots, TcpRelay, Ws]]:
    bots = Bots(folder)
    (folder / "ledger").touch()
    try:
        first, second = await bots.start("first"), await bots.start("second")
        async with (
            tcp_relay(first) as relay,
            Ws(relay.address, f"127.0.0.1:{second}", settings=settings).running() as ws,
        ):
            await until(lambda: attached(ws) == 2)
            yield bots, relay, ws
    finally:
        await bots.close()


def attached(ws: Ws) -> int:
    return sum(each.state == "attached" for each in ws.sender.stats().replicas)


def check(rows: list[tuple[str, int, int, bool]], total: int) -> None:
    """All is handled; whatever is handled again says so; first times are in the order of the guild."""
    seen: Counter[int] = Counter()
    highest: Counter[int] = Counter()
    for name, guild, seq, marked in rows:
        seen[seq] += 1
        assert seen[seq] == 1 or marked, f"{seq} is handled again by {name} without a mark"
        if seen[seq] == 1:
            assert seq > highest[guild], f"{seq} after {highest[guild]}"
            highest[guild] = seq
    assert seen.keys() == set(range(1, total + 1))


def feed(ws: Ws, first: int, last: int) -> None:
    ws.put(event(seq, guild=seq % GUILDS + 1) for seq in range(first, last + 1))


async def test_a_process_that_was_frozen_begins_nothing_that_was_given_to_another(tmp_path: Path) -> None:
    """Its buffers, and the queues of its guilds, are full of events that the other has handled meanwhile."""
    async with two_bots(tmp_path) as (bots, _, ws):
        feed(ws, 1, 600)
        await until(lambda: any(name == "first" for name, *_ in bots.rows()))
        bots.processes[0].send_signal(signal.SIGSTOP)
        feed(ws, 601, 900)
        await until(lambda: ws.sender.stats().depth == 0)
        before = len(bots.rows())
        bots.processes[0].send_signal(signal.SIGCONT)
        await until(lambda: attached(ws) == 2)
        feed(ws, 901, 1000)
        await until(lambda: ws.sender.stats().depth == 0)
        rows = bots.rows()
        check(rows, 1000)
        assert {row[2] for row in rows[before:]} == set(range(901, 1001)), "old events were begun"
        assert {row[0] for row in rows[before:]} == {"first", "second"}


async def test_a_process_that_is_cut_off_gives_up_what_it_has_not_begun(tmp_path: Path) -> None:
    async with two_bots(tmp_path) as (bots, relay, ws):
        feed(ws, 1, 900)
        await until(lambda: any(name == "first" for name, *_ in bots.rows()))
        relay.refuses = True
        relay.reset()
        await until(lambda: ws.sender.stats().depth == 0)
        relay.refuses = False
        await until(lambda: attached(ws) == 2)
        rows = bots.rows()
        check(rows, 900)
        again = len(rows) - 900
        assert again <= GUILDS, "only what had begun may be handled twice"


async def test_a_reset_in_the_middle_of_a_batch_costs_no_event_and_no_waiting(tmp_path: Path) -> None:
    """The same process dials in again and says itself that it has given up the rest: no fence is needed."""
    settings = replace(WS, lease=60.0, keepalive=120.0)
    async with two_bots(tmp_path, settings) as (bots, relay, ws):
        for first in range(1, 1001, 200):
            relay.reset_in_the_middle()
            feed(ws, first, first + 199)
            await until(lambda: relay.resets >= 1)
            await asyncio.sleep(0.05)
        await until(lambda: ws.sender.stats().depth == 0)
        check(bots.rows(), 1000)
        assert relay.resets >= 2
