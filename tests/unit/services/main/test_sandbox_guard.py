from __future__ import annotations

import subprocess
import sys

import pytest

from nescord_core.services.main.worker.sandbox_guard import is_discord


@pytest.mark.parametrize(
    ("host", "is_its"),
    [
        ("discord.com", True),
        ("Discord.com.", True),
        ("canary.discord.com", True),
        ("gateway-us-east1-b.discord.gg", True),
        ("discordapp.com", True),
        ("cdn.discordapp.com", False),
        ("media.discordapp.net", False),
        ("notdiscord.com", False),
        ("127.0.0.1", False),
    ],
)
def test_the_names_of_discords_api_and_gateway(host: str, is_its: bool) -> None:
    assert is_discord(host) is is_its


@pytest.mark.parametrize(
    ("event", "is_refused"),
    [
        ("'socket.getaddrinfo', 'discord.com', 443, 0, 0, 0", True),
        ("'socket.getaddrinfo', b'gateway.discord.gg', 443, 0, 0, 0", True),
        ("'socket.gethostbyname', 'discord.com'", True),
        ("'socket.connect', None, ('discord.com', 443)", True),
        ("'socket.connect', None, ('127.0.0.1', 7400)", False),
        ("'socket.connect', None, '/run/a.sock'", False),
        ("'socket.getaddrinfo', None, 7400, 0, 0, 0", False),
    ],
)
def test_libraries_without_aiohttp_are_kept_away_as_well(event: str, is_refused: bool) -> None:
    """The events are those that Python's socket module raises; nothing is looked up here."""
    program = f"""
import sys
from nescord_core.services.main.worker import sandbox_guard
sandbox_guard.guard()
sys.audit({event})
"""
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=False)
    assert (done.returncode != 0) is is_refused
    assert ("runs on the sandbox" in done.stderr) is is_refused
