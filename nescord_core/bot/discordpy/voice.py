"""Voice of hosted clients. Its connections go from the bot to Discord's voice servers, past ws and rest."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable
from typing import Any, cast

import discord
import yarl

from nescord_core.bot.discordpy import internals

__all__ = ["missing_libraries", "open_voice", "without_tls_on_this_machine"]

log = logging.getLogger(__name__)

INSTALL = "pip install 'discord.py[voice]'"


def open_voice(client: discord.Client) -> None:
    """Let a client connect to the sandbox's voice server, and say what voice lacks when it is first used."""
    internals.map_websockets(client, without_tls_on_this_machine)
    missing = missing_libraries()
    if missing:
        sentence = f"voice needs {' and '.join(missing)}: {INSTALL}"
        _before_first_use(lambda: log.error(sentence))


def _before_first_use(tell: Callable[[], None]) -> None:
    """Call ``tell`` before the first voice client of this process is made."""
    make = discord.VoiceClient.__init__

    def making(self: discord.VoiceClient, *args: Any, **options: Any) -> None:
        cast(Any, discord.VoiceClient).__init__ = make
        tell()
        make(self, *args, **options)

    if make.__qualname__.startswith("VoiceClient"):
        cast(Any, discord.VoiceClient).__init__ = making


def missing_libraries() -> list[str]:
    """Return the libraries that discord.py's voice needs and that are not installed."""
    found = {"PyNaCl": discord.voice_client.has_nacl, "davey": discord.voice_state.has_dave}
    return [name for name, installed in found.items() if not installed]


def without_tls_on_this_machine(url: str) -> str:
    """Return ``ws://`` for ``wss://`` to this machine: the voice server of the sandbox has no certificate.

    discord.py opens ``wss://`` whatever the endpoint. Discord's own servers are never on loopback.
    """
    parsed = yarl.URL(url)
    try:
        local = parsed.host == "localhost" or ipaddress.ip_address(parsed.host or "").is_loopback
    except ValueError:
        local = False
    return str(parsed.with_scheme("ws")) if local and parsed.scheme == "wss" else url
