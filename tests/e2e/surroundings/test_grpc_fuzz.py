"""Mutated messages and HTTP/2 frames on main's port for events; the long form is benchmarks/grpc_fuzz.py."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.system.fuzzed_main import fuzz
from support.system.system import System

ATTACKS = int(os.environ.get("NESCORD_FUZZ_ATTACKS", "300"))
SEED = int(os.environ.get("NESCORD_FUZZ_SEED", "1"))


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    system = System(tmp_path / "bot")
    system.start_sandbox()
    yield system
    for started in system.started:
        print(started)
    system.close()


async def test_strangers_on_the_port_for_events_harm_nothing(system: System) -> None:
    system.start("run", "rest")
    main = system.start("run", "main")
    system.start("run", "ws")
    system.until_ready()
    found = await fuzz(system, main, range(SEED * 100_000, SEED * 100_000 + ATTACKS))
    assert not found.problems, found
    assert sum(found.kinds.values()) == ATTACKS
