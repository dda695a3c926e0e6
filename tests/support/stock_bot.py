"""Runs a bot written with a stock library, in a process of its own."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.running_sandbox import RunningSandbox


class StockBot:
    """The process; ``line`` returns the next of its lines that begins with a word."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.lines: list[str] = []

    async def line(self, word: str) -> str:
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(30):
                while raw := await self._process.stdout.readline():
                    self.lines.append(raw.decode().rstrip())
                    if self.lines[-1].startswith(word):
                        return self.lines[-1]
        except TimeoutError:
            pass
        raise AssertionError("\n".join(["the bot did not say it, but:", *self.lines[-40:]]))


@asynccontextmanager
async def stock_bot(program: Path, sandbox: RunningSandbox) -> AsyncIterator[StockBot]:
    """Run a bot's program with the sandbox's API URL and token as arguments."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", str(program), f"{sandbox.url}/api/v10", sandbox.token),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        yield StockBot(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()
