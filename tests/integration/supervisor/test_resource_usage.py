"""Real processes: one that works, one that holds memory and has a child that does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest

from nescord_core.supervisor.resource_usage import measure

WORKS = "print('here', flush=True)\nwhile True: pass"
HOLDS = """
import subprocess, sys, time
held = bytearray(b"x" * 50_000_000)
child = "import time; held = bytearray(b'x' * 30_000_000); print('here', flush=True); time.sleep(600)"
subprocess.run([sys.executable, "-c", child])
"""
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="read from /proc")


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


async def test_processor_and_memory_are_those_of_the_whole_family(
    processes: list[subprocess.Popen[str]],
) -> None:
    works, holds = (process.pid for process in processes)
    used = await measure([works, holds, 2**22 + 1])
    assert used.keys() == {works, holds}, "one that is not there is left out"
    assert used[works].cpu_percent > used[holds].cpu_percent
    assert 0 < used[works].cpu_percent < 150
    assert (used[works].processes, used[holds].processes) == (1, 2)
    assert 80 < used[holds].memory_mb < 150
    assert used[works].memory_mb < 40
