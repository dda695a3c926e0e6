"""Real processes: one that works, one that holds memory and has a child that does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from nescord_core.supervisor import resource_usage
from nescord_core.supervisor.resource_usage import measure

WORKS = "print('here', flush=True)\nwhile True: pass"
HOLDS = """
import subprocess, sys, time
held = bytearray(b"x" * 50_000_000)
child = "import time; held = bytearray(b'x' * 30_000_000); print('here', flush=True); time.sleep(600)"
subprocess.run([sys.executable, "-c", child])
"""


@pytest.fixture(params=[False, True], ids=["clock ticks", "nanoseconds"])
def clock(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where processor time comes from: the scheduler's nanoseconds are Linux's own."""
    if request.param and not resource_usage.HAS_SCHEDSTAT:
        pytest.skip("the system does not tell nanoseconds")
    monkeypatch.setattr(resource_usage, "HAS_SCHEDSTAT", request.param)


@pytest.fixture
def processes() -> Iterator[list[subprocess.Popen[str]]]:
    made = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        for program in (WORKS, HOLDS)
    ]
    for process in made:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
    yield made
    for process in made:
        subprocess.run(["kill", "-KILL", "--", f"-{process.pid}"], check=True)
        process.communicate()


@pytest.mark.usefixtures("clock")
async def test_processor_and_memory_are_those_of_the_whole_family(
    processes: list[subprocess.Popen[str]],
) -> None:
    works, holds = (process.pid for process in processes)
    used = await measure([works, holds, 2**22 + 1])
    assert used.keys() == {works, holds}, "one that is not there is left out"
    assert used[works].cpu_percent > used[holds].cpu_percent
    assert 0 < used[works].cpu_percent < 150
    assert 0 <= used[holds].cpu_percent < 50
    assert (used[works].processes, used[holds].processes) == (1, 2)
    assert 80 < used[holds].memory_mb < 150
    assert used[works].memory_mb < 40
