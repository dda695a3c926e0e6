"""One system for all attacks of a module: every service as a process of its own."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from support.system.system import System

SETTINGS = {
    "NESCORD_IDENTIFY_WINDOW": "0.1",
    "NESCORD_GLOBAL_LIMIT": "1000",
    "NESCORD_MAX_QUEUE": "60",
    "NESCORD_MAX_BODIES_MB": "24",
}
"""Limits that a setting lowers, so that fewer callers exceed them."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    system = System(tmp_path_factory.mktemp("bounds") / "bot")
    system.environ |= SETTINGS
    system.start_sandbox()
    for service in ("rest", "main", "ws"):
        system.start("run", service)
    system.until_ready()
    yield system
    for started in system.started:
        print(started)
    system.close()
    for started in system.started:
        assert "Traceback" not in started.output, started
