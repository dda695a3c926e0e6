"""A state_dir that is renamed while ws, rest and main run: events go on, and nothing creates it again."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable

import pytest

from support.system.system import System


@pytest.mark.bound("state_dir: a directory that is renamed or removed while a service runs")
def test_events_go_on_and_nothing_creates_it_again(new_system: Callable[[str], System]) -> None:
    system = new_system("lost")
    system.environ["NESCORD_SNAPSHOT"] = "on"
    sandbox = system.start_sandbox()
    services = [system.start("run", name) for name in ("rest", "main", "ws")]
    system.until_ready()
    state = system.directory / ".nescord"
    with system.load() as load:
        load.handled(more_than=100)
        state.rename(system.directory.parent / "elsewhere")
        for each in (sandbox, *services):
            each.wait_for("was removed, renamed or replaced")
        load.handled(more_than=load.handled() + 500)
        (cluster,) = system.stats("ws")["clusters"]
        os.kill(cluster["pid"], signal.SIGKILL)
        services[2].wait_for("restarting it")
        system.until_ready()
        load.handled(more_than=load.handled() + 100)
        load.stop()
    assert system.ask("!ping").startswith("Pong")
    assert [each.stop() for each in services] == [0, 0, 0], services
    assert not state.exists()
    for each in services:
        assert each.output.count("was removed, renamed or replaced") == 1
        assert "Traceback" not in each.output
