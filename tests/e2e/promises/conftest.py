"""A system shared by tests that leave it healthy, and fresh systems for the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.system.system import System


class Shared:
    """A system that is started when first needed, and replaced when a test has left it broken."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._system: System | None = None
        self._count = 0

    def ready(self) -> System:
        """Return a system that runs `nescord dev` on a sandbox of its own, with all services ready."""
        if self._system is not None:
            try:
                self._system.until_ready()
                return self._system
            except AssertionError:
                self.close()
        self._count += 1
        self._system = system = System(self._directory / f"bot{self._count}")
        system.start_sandbox()
        system.start_dev()
        return system

    def close(self) -> None:
        if self._system is not None:
            self._system.close()
            self._system = None


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shared]:
    shared = Shared(tmp_path_factory.mktemp("shared"))
    yield shared
    shared.close()


@pytest.fixture
def system(shared: Shared) -> Iterator[System]:
    """A running system; the output of its processes is shown when the test fails."""
    system = shared.ready()
    yield system
    _show(system)


@pytest.fixture(scope="module")
def new_system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], System]]:
    """Create systems with nothing running; kill what they leave behind."""
    made: list[System] = []

    def make(name: str) -> System:
        made.append(System(tmp_path_factory.mktemp(name) / "bot"))
        return made[-1]

    yield make
    for system in made:
        _show(system)
        system.close()


def _show(system: System) -> None:
    for started in system.started:
        print(started)  # pytest shows it on failure only
