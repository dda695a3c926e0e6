"""Bots in processes of their own behind a sender in this one, and a ledger of what they handled.

Run as a program it is such a bot: ``python bot_process.py NAME LEDGER STATE_DIR WAIT BUSY ORDERED``. Its
handler writes a line, computes for BUSY seconds and waits for WAIT seconds; ORDERED is 0 or 1.
"""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["Bots", "Row", "check_rows", "running_bots"]


class Row(NamedTuple):
    """An event whose handler started."""

    bot: str
    guild: int
    seq: int
    marked: bool


class Bots:
    """Bot processes by name; all write to one ledger, in the order in which handlers start."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.processes: dict[str, asyncio.subprocess.Process] = {}
        self.addresses: dict[str, str] = {}
        self.ledger = folder / "ledger"
        self.ledger.touch()

    async def start(self, name: str, *, wait: float = 0.0, busy: float = 0.0, ordered: bool = False) -> str:
        """Start a bot; return the address it listens on."""
        state_dir = self.folder / name
        arguments = (name, self.ledger, state_dir, wait, busy, int(ordered))
        process = await asyncio.create_subprocess_exec(
            sys.executable, __file__, *map(str, arguments), stdout=asyncio.subprocess.PIPE
        )
        self.processes[name] = process
        assert process.stdout is not None
        self.addresses[name] = f"127.0.0.1:{int(await process.stdout.readline())}"
        return self.addresses[name]

    def rows(self) -> list[Row]:
        """Return what was handled."""
        rows = map(str.split, self.ledger.read_text().splitlines())
        return [Row(bot, int(guild), int(seq), marked == "1") for bot, guild, seq, marked in rows]

    async def close(self) -> None:
        for process in self.processes.values():
            if process.returncode is None:
                process.kill()
            await process.wait()


@asynccontextmanager
async def running_bots(folder: Path) -> AsyncIterator[Bots]:
    """Kill the started bots at the end of the block."""
    bots = Bots(folder)
    try:
        yield bots
    finally:
        await bots.close()


def check_rows(rows: Iterable[Row], total: int) -> int:
    """Check that all events are handled, repeats are marked, and first times follow the guild's order.

    Returns the number of events handled again.
    """
    seen: Counter[int] = Counter()
    highest: Counter[int] = Counter()
    for bot, guild, seq, marked in rows:
        seen[seq] += 1
        assert seen[seq] == 1 or marked, f"{seq} is handled again by {bot} without a mark"
        if seen[seq] == 1:
            assert seq > highest[guild], f"{seq} after {highest[guild]}"
            highest[guild] = seq
    assert seen.keys() == set(range(1, total + 1))
    return seen.total() - total


async def _serve(name: str, ledger: str, state_dir: str, wait: float, busy: float, *, ordered: bool) -> None:
    from nescord_core import WsListener
    from nescord_core.bot.runtime import Runtime
    from nescord_core.settings import MainSettings

    fd = os.open(ledger, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    listener = WsListener()

    @listener.on("message_create", ordered=ordered)
    async def write(message: Any, event: Any) -> None:
        os.write(fd, f"{name} {event.guild_id} {event.seq} {int(event.redelivered)}\n".encode())
        end = time.perf_counter() + busy
        while time.perf_counter() < end:
            pass
        if wait:
            await asyncio.sleep(wait)

    settings = MainSettings(state_dir=Path(state_dir), listen_port=0)
    async with Runtime(listener, settings) as runtime:
        print(runtime.port, flush=True)
        await asyncio.Event().wait()


if __name__ == "__main__":
    name, ledger, state_dir, wait, busy, ordered = sys.argv[1:]
    asyncio.run(_serve(name, ledger, state_dir, float(wait), float(busy), ordered=ordered == "1"))
