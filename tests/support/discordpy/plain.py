"""Runs unmodified discord.py programs with discord.py's own transport, on a sandbox instead of Discord.

Run it as ``plain.py API_URL``, with the path of a program on each line of standard input. Each runs in a
forked process, which is ended before the next one starts.
"""

from __future__ import annotations

import asyncio
import os
import runpy
import signal
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from support.network import loopback

loopback.install()

import discord.ext.commands  # noqa: E402 - after the network guard is installed
import discord.ext.tasks  # noqa: E402
import yarl  # noqa: E402


def point_at(api_url: str) -> None:
    discord.http.Route.BASE = api_url
    gateway = yarl.URL(api_url).with_scheme("ws").with_path("/gateway")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway


def hurry() -> None:
    """Make a client ready soon after its last guild, instead of 2 s later."""
    original = discord.state.ConnectionState.__init__

    def init(self: Any, **options: Any) -> None:
        original(self, **{"guild_ready_timeout": 0.1} | options)

    discord.state.ConnectionState.__init__ = init  # type: ignore[method-assign]


def one_by_one() -> None:
    """Let the tasks of an event take their first step before the next event is read.

    Otherwise, when two frames arrive together, the listener of the first sees the changes of the second.
    """
    received = discord.gateway.DiscordWebSocket.received_message

    async def receive(self: Any, message: Any, /) -> None:
        await received(self, message)
        await asyncio.sleep(0)

    discord.gateway.DiscordWebSocket.received_message = receive  # type: ignore[method-assign]


def run(program: str) -> None:
    """Act as a Python process that was started with this program."""
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    sys.path.insert(0, str(Path(program).parent))
    sys.argv[:] = [program]
    runpy.run_path(program, run_name="__main__")


def main() -> None:
    point_at(sys.argv[1])
    hurry()
    one_by_one()
    running = 0
    for line in sys.stdin:
        if running:
            os.kill(running, signal.SIGKILL)
            os.waitpid(running, 0)
        running = os.fork() if line.strip() else 0
        if not running and line.strip():
            run(line.strip())
            return
    if running:
        os.kill(running, signal.SIGKILL)


if __name__ == "__main__":
    main()
