"""A project below a link, `current -> releases/N`: after a switch, a reload loads the new release."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nescord_core import config
from support.processes import commands
from support.processes.commands import Started, start
from support.processes.phrases import READY

APP = """
import sys
from nescord_core import WsListener
listener = WsListener()
print("this is release", {number}, flush=True)
"""


def release(directory: Path, number: int) -> Path:
    place = directory / "releases" / str(number)
    (place / "bot_main").mkdir(parents=True)
    (place / "bot_main" / "__init__.py").touch()
    (place / "bot_main" / "app.py").write_text(APP.format(number=number))
    (place / "nescord.toml").write_text("")
    return place


def switch(link: Path, target: Path) -> None:
    fresh = link.with_name("fresh")
    fresh.symlink_to(target)
    fresh.replace(link)


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    main, admin = commands.free_ports(2)
    return commands.clean_environment() | {
        "NESCORD_STATE_DIR": str(tmp_path / "shared"),
        "NESCORD_MAIN_LISTEN": f"127.0.0.1:{main}",
        "NESCORD_MAIN_ADMIN": f"127.0.0.1:{admin}",
    }


def nescord(directory: Path, environ: dict[str, str], *arguments: str) -> Started:
    return start(directory / f"{arguments[0]}.log", directory, environ, arguments)


def test_a_reload_follows_the_link(tmp_path: Path, environ: dict[str, str]) -> None:
    link = tmp_path / "current"
    switch(link, release(tmp_path, 1))
    main = nescord(tmp_path, environ, "run", "main", "--project", "current")
    try:
        main.wait_for("this is release 1")
        main.wait_for("is ready")
        switch(link, release(tmp_path, 2))
        reload = nescord(tmp_path, environ, "reload", "--project", "current")
        assert reload.wait() == 0, reload
        main.wait_for("this is release 2")
        assert "releases/2 now" in main.output
    finally:
        assert main.stop() == 0, main


def test_dev_started_in_the_link_restarts_and_reloads_what_it_leads_to(
    tmp_path: Path, environ: dict[str, str]
) -> None:
    link = tmp_path / "current"
    switch(link, release(tmp_path, 1))
    ports = commands.free_ports(3)
    environ |= {
        "NESCORD_SANDBOX_LISTEN": f"127.0.0.1:{ports[0]}",
        "NESCORD_REST_PORT": str(ports[1]),
        "NESCORD_WS_ADMIN": f"127.0.0.1:{ports[2]}",
        "PWD": str(link),  # as a shell sets it
    }
    dev = start(tmp_path / "dev.log", link, environ, ("dev", "--sandbox"))
    try:
        dev.wait_for(READY)
        dev.wait_for("this is release 1")
        for number, command in ((2, ("restart", "main")), (3, ("reload",))):
            switch(link, release(tmp_path, number))
            done = start(tmp_path / f"{command[0]}.log", link, environ, command)
            assert done.wait() == 0, done
            dev.wait_for(f"this is release {number}")
        (tmp_path / "releases/3/bot_main/app.py").write_text(APP.format(number="'3 saved'"))
        dev.wait_for("this is release 3 saved")
    finally:
        assert dev.stop() == 0, dev


def test_a_reload_from_another_directory_is_refused(tmp_path: Path, environ: dict[str, str]) -> None:
    first, second = release(tmp_path, 1), release(tmp_path, 2)
    main = nescord(tmp_path, environ, "run", "main", "--project", str(first))
    try:
        main.wait_for("is ready")
        reload = nescord(tmp_path, environ, "reload", "--project", str(second))
        assert reload.wait() == 1
        assert " ".join(f"it runs {first}, not {second}".split()) in " ".join(reload.output.split())
        assert "this is release 2" not in main.output
    finally:
        assert main.stop() == 0, main


def test_the_project_keeps_the_link_that_the_shell_knows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = release(tmp_path, 1)
    switch(tmp_path / "current", first)
    monkeypatch.chdir(tmp_path / "current")
    link = str(tmp_path / "current")
    assert str(config.load(environ={"PWD": link}).project) == link
    for other in ("", "current", str(tmp_path), "/nowhere"):
        assert config.load(environ={"PWD": other}).project == Path(os.path.realpath(first))
    assert config.load(environ={"PWD": link}).state_dir == first.resolve() / ".nescord"
    assert config.load(Path("..") / "1", environ={}).project == first.resolve()
