"""Runs a bot written with a stock library in its own process."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from support.sandbox.running import RunningSandbox


class StockBot:
    """The bot's process; ``line`` returns its next line that starts with a word."""

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
        printed = f"the bot printed no line that starts with {word!r}, but:"
        raise AssertionError("\n".join([printed, *self.lines[-40:]]))

    async def rest(self) -> str:
        """Return its output until it pauses for a second, to show when a test fails."""
        assert self._process.stdout is not None
        with suppress(TimeoutError):
            async with asyncio.timeout(1):
                while raw := await self._process.stdout.readline():
                    self.lines.append(raw.decode().rstrip())
        return "\n".join(self.lines[-60:])


@asynccontextmanager
async def stock_bot(program: Path, sandbox: RunningSandbox) -> AsyncIterator[StockBot]:
    """Run a bot's program with the sandbox's API URL and token as arguments."""
    command = (sys.executable, "-W", "ignore", str(program), f"{sandbox.url}/api/v10", sandbox.token)
    async with running_client(*command) as bot:
        yield bot


@asynccontextmanager
async def running_client(
    *command: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[StockBot]:
    """Run a client's command; ``environment`` extends this process's own."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environment or {})},
        limit=1 << 20,
    )
    bot = StockBot(process)
    try:
        yield bot
    finally:
        if process.returncode is None:
            process.kill()
        output, _ = await process.communicate()
        print(*bot.lines[-60:], output.decode(errors="replace"), sep="\n")  # pytest shows it on failure only
