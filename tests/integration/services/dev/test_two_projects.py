"""Two projects with the same ports on one machine."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from nescord_core.services.dev.demo import make_project
from support.processes.commands import NESCORD, PATIENCE, clean_environment, until

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start `nescord ARGUMENTS` in the project of this name, with its output in a file of its own."""
    with ExitStack() as stack:

        def started(name: str, *arguments: str) -> subprocess.Popen[str]:
            if not (tmp_path / name).exists():
                make_project(tmp_path / name)
            log = stack.enter_context((tmp_path / f"{name}.log").open("a"))
            process = subprocess.Popen(
                (*NESCORD, *arguments),
                cwd=tmp_path / name,
                env=clean_environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
            stack.callback(process.wait, PATIENCE)
            stack.callback(process.send_signal, signal.SIGTERM)
            return process

        yield started


def run(directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        (*NESCORD, *arguments),
        cwd=directory,
        env=clean_environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def status(directory: Path) -> dict[str, dict[str, object]]:
    until(lambda: run(directory, "status").returncode == 0, f"the services of {directory.name}")
    done = run(directory, "status", "--json", "--wait")
    assert done.returncode == 0, done.stderr
    found: dict[str, dict[str, object]] = json.loads(done.stdout)
    return found


def test_the_second_project_moves_its_ports_and_says_so(start: Start, tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    start("first", "dev")
    ones = status(first)
    start("second", "dev")
    others = status(second)
    assert {each["address"] for each in ones.values()}.isdisjoint(each["address"] for each in others.values())
    assert {each["pid"] for each in ones.values()}.isdisjoint(each["pid"] for each in others.values())
    said = " ".join((tmp_path / "second.log").read_text().split())
    assert f"is taken by `nescord dev` of {first} (process" in said
    assert "--strict-port refuses instead" in said

    make_project(tmp_path / "third")
    strict = run(tmp_path / "third", "dev", "--strict-port")
    errors = " ".join(strict.stderr.split())
    assert strict.returncode == 1
    assert f"the port is taken by `nescord dev` of {first} (process" in errors
    assert "--port-offset" in errors

    again = run(first, "dev")
    assert again.returncode == 2
    assert "is already running" in " ".join(again.stderr.split()), "the same project is not moved"

    assert run(second, "stop").returncode == 0
    until(lambda: run(second, "status").returncode == 1, "the second project's end")
    assert status(first).keys() == ones.keys(), "the first project goes on"

    for name in ("fourth", "fifth"):  # at the same instant
        start(name, "dev", "--sandbox")
    found = [status(tmp_path / name) for name in ("fourth", "fifth")]
    addresses = [{str(entry["address"]) for entry in each.values()} for each in found]
    assert not addresses[0] & addresses[1]
    assert "cannot write logs" not in (tmp_path / "fifth.log").read_text()
