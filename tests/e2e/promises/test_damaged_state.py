"""Files of state_dir that are damaged while nothing runs: each service starts, says so and loses no event."""

from __future__ import annotations

import os
import random
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.processes.commands import Started, until
from support.system.system import System


def _noise(path: Path) -> None:
    path.write_bytes(random.Random(1).randbytes(max(path.stat().st_size, 100)))


def _one_byte(path: Path) -> None:
    data = bytearray(path.read_bytes())
    if data:
        data[len(data) // 2] ^= 0x15
    path.write_bytes(data)


def _directory(path: Path) -> None:
    path.unlink()
    path.mkdir()
    (path / "inside").touch()


def _link(path: Path) -> None:
    path.unlink()
    path.symlink_to("nowhere")


def _fifo(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


RESUMING = ("sessions", "world")
"""Folders without which a shard cannot resume: it sends IDENTIFY, and Discord replays nothing."""
DAMAGES: dict[str, Callable[[Path], object]] = {
    "cut": lambda path: os.truncate(path, path.stat().st_size // 2),
    "zeroed": lambda path: path.write_bytes(bytes(path.stat().st_size)),
    "noise": _noise,
    "one byte": _one_byte,
    "directory": _directory,
    "link": _link,
    "fifo": _fifo,
}


def files_of(state: Path) -> list[Path]:
    found = [path for path in state.rglob("*") if stat.S_ISREG(path.lstat().st_mode)]
    return [path for path in found if "damaged" not in path.name and path.name != "sandbox.json"]


@dataclass
class Services:
    """A system whose services can be started and killed together."""

    system: System
    sandbox: Started
    running: list[Started]

    @property
    def state(self) -> Path:
        return self.system.directory / ".nescord"

    def start(self) -> None:
        self.running = [self.system.start("run", name) for name in ("rest", "main", "ws")]
        self.system.until_ready()

    def kill(self) -> None:
        for each in self.running:
            each.kill()
        until(lambda: set(self.system.alive()) <= {self.sandbox.pid}, "the end of their children")


@pytest.fixture(scope="module")
def services(new_system: Callable[[str], System]) -> Iterator[Services]:
    system = new_system("damaged")
    system.environ["NESCORD_SNAPSHOT"] = "on"
    services = Services(system, system.start_sandbox(), [])
    yield services
    for each in services.running:
        if each.process.poll() is None:
            each.stop()


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.bound("state_dir: a file that is damaged, or is a folder, link or fifo")
def test_services_start_after_damage_and_lose_nothing_that_discord_replays(
    services: Services, damage: str
) -> None:
    system = services.system
    services.start()
    with system.load() as load:
        load.handled(more_than=100)
        services.kill()
        for path in files_of(services.state):
            if path.parent.name not in RESUMING:
                DAMAGES[damage](path)
        services.start()
        handled = load.handled()
        load.handled(more_than=handled + 100)
        load.stop()
        until(lambda: not load.missing(), "every event is handled")
    assert system.ask("!ping").startswith("Pong")
    services.kill()
    for path in files_of(services.state):
        if path.parent.name in (*RESUMING, "cache"):
            DAMAGES[damage](path)
    services.start()
    assert system.ask("!ping").startswith("Pong")
    for each in services.running:
        assert each.stop() == 0, each
        assert "Traceback" not in each.output
    assert "cache.db is damaged" in services.running[2].output or damage in ("one byte", "cut")
