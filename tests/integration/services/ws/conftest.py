"""A sandbox, a main and a ws of four clusters as real processes, shared by tests that leave them healthy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system.clusters import Clusters


@pytest.fixture(scope="module")
def clusters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clusters]:
    system = Clusters.ready(tmp_path_factory.mktemp("ws") / "bot")
    yield system
    system.close()


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[type[Clusters]]:
    """A class whose systems belong to one test and are closed after it."""
    made: list[Clusters] = []

    class Own(Clusters):
        def __init__(self, directory: Path) -> None:
            super().__init__(directory)
            made.append(self)

    yield Own
    for system in made:
        system.close()
