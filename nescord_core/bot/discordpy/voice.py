"""Voice of hosted clients. Its connections go from the bot to Discord's voice servers, past ws and rest."""

from __future__ import annotations

import ipaddress
import logging

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
        internals.before_first_voice(lambda: log.error(sentence))


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
