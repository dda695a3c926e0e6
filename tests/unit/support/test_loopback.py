"""The network guard keeps tests on this machine."""

from __future__ import annotations

import socket
import subprocess
import sys

import pytest


@pytest.mark.parametrize("host", ["discord.com", "192.0.2.1"])
def test_nothing_leaves_this_machine(host: str) -> None:
    with pytest.raises(RuntimeError, match="tried to"):
        socket.create_connection((host, 443), timeout=1)


def test_nor_does_what_a_test_starts() -> None:
    code = "import socket; socket.create_connection(('discord.com', 443), timeout=1)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "tried to look up 'discord.com'" in done.stderr
