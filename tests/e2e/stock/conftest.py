"""The discord.js that the tests use: installed once, reused by later runs."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.stock.node import guarded, installed

PROJECT = Path(__file__).with_name("discordjs")


@pytest.fixture(scope="session")
def node_environment() -> dict[str, str]:
    """Variables for a Node.js process, with which it finds discord.js and cannot leave the machine."""
    # NODE_PATH does not suffice: modules are searched from a script's own directory first.
    return {**guarded(PROJECT / "loopback.cjs"), "NODE_PATH": str(installed(PROJECT))}
