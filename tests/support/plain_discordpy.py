"""Runs a discord.py program as it is, with discord.py's own transport, on a sandbox instead of Discord.

Run as: plain_discordpy.py API_URL PROGRAM
"""

from __future__ import annotations

import runpy
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import loopback

loopback.install()

import discord  # noqa: E402 - after the way off this machine is closed
import yarl  # noqa: E402

if __name__ == "__main__":
    api_url, program = sys.argv[1:]
    discord.http.Route.BASE = api_url
    gateway = yarl.URL(api_url).with_scheme("ws").with_path("/gateway")
    discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = gateway
    sys.path.insert(0, str(Path(program).parent))
    runpy.run_path(program, run_name="__main__")
