"""JavaScript libraries beside discord.js: each unmodified, by base URL alone, directly and through rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.stock.node import NODE, guarded, installed
from support.stock.walkthrough import walk_with

HERE = Path(__file__).parent
GUARD = HERE / "discordjs" / "loopback.cjs"


DELAYS = {"seyfert": 0.1}
"""seyfert loses a Hello that comes together with the answer to its upgrade, as it may on the same machine."""


@pytest.mark.parametrize("way", ["direct", "rest"])
@pytest.mark.parametrize("library", ["eris", "oceanic", "discordeno", "seyfert"])
async def test_a_bot_does_everything_on_the_sandbox_and_through_rest(
    library: str, way: str, tmp_path: Path
) -> None:
    project = HERE / library
    environment = {**guarded(GUARD), "NODE_PATH": str(installed(project))}
    state_dir = tmp_path if way == "rest" else None
    command = (str(NODE), str(project / "bot.cjs"))
    await walk_with(command, state_dir, environment=environment, delay=DELAYS.get(library, 0.0))
