"""Python libraries that exclude each other: each in its own environment, unmodified, by base URL alone."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest

from support.stock.python import installed_python
from support.stock.walkthrough import Step, components_v2, poll, walk_with

HERE = Path(__file__).parent
LACKING: dict[str, Collection[Step]] = {"nextcord": (poll, components_v2)}
"""Steps for which a library has nothing."""


@pytest.mark.parametrize("way", ["direct", "rest"])
@pytest.mark.parametrize("library", ["disnake", "nextcord", "pycord", "interactionspy"])
async def test_a_bot_does_everything_on_the_sandbox_and_through_rest(
    library: str, way: str, tmp_path: Path
) -> None:
    project = HERE / library
    command = (str(installed_python(project)), "-W", "ignore", str(project / "bot.py"))
    state_dir = tmp_path if way == "rest" else None
    await walk_with(command, state_dir, without=LACKING.get(library, ()))
