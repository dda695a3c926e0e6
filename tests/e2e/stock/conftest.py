"""The discord.js that the tests run: installed once, reused by every later run."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.stock.node import guarded, installed

PROJECT = Path(__file__).with_name("discordjs")


@pytest.fixture(scope="session")
def node_environment() -> dict[str, str]:
    """Variables for a Node.js process: it cannot leave the machine, and finds discord.js."""
    # Not NODE_PATH alone: modules of the project are found from a script's own directory first.
    return {**guarded(PROJECT / "loopback.cjs"), "NODE_PATH": str(installed(PROJECT))}
