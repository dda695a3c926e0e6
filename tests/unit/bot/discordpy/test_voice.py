"""Voice of hosted clients: addresses without TLS on this machine, and the sentence on what is missing."""

from __future__ import annotations

import subprocess
import sys

import pytest

from nescord_core.bot.discordpy.voice import without_tls_on_this_machine

WITHOUT_LIBRARIES = """
import logging, sys
sys.modules["nacl"] = sys.modules["davey"] = None
logging.basicConfig(stream=sys.stdout, format="%(levelname)s %(message)s")
logging.getLogger("discord").setLevel(logging.ERROR)
import discord
from nescord_core.bot.discordpy.voice import open_voice
client = discord.Client(intents=discord.Intents.none())
open_voice(client)
open_voice(client)
for _ in range(3):
    try:
        discord.VoiceClient(client, None)
    except RuntimeError as error:
        print(error)
"""


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("wss://127.0.0.1:5000/?v=8", "ws://127.0.0.1:5000/?v=8"),
        ("wss://localhost:5000/?v=8", "ws://localhost:5000/?v=8"),
        ("wss://[::1]:5000/?v=8", "ws://[::1]:5000/?v=8"),
        ("ws://127.0.0.1:5000/?v=8", "ws://127.0.0.1:5000/?v=8"),
        ("wss://rotterdam1.discord.media:443/?v=8", "wss://rotterdam1.discord.media:443/?v=8"),
        ("wss://127.0.0.1.example.org/?v=8", "wss://127.0.0.1.example.org/?v=8"),
        ("wss://10.0.0.1:5000/?v=8", "wss://10.0.0.1:5000/?v=8"),
    ],
)
def test_only_this_machine_is_called_without_tls(url: str, expected: str) -> None:
    assert without_tls_on_this_machine(url) == expected


def test_the_first_use_of_voice_says_once_what_to_install() -> None:
    command = (sys.executable, "-c", WITHOUT_LIBRARIES)
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert said == [
        "ERROR voice needs PyNaCl and davey: pip install 'discord.py[voice]'",
        *["PyNaCl library needed in order to use voice"] * 3,
    ]
