"""The directory of sessions, caches, logs and sockets: whose it is, and what lies in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from nescord_core.errors import ConfigError
from nescord_core.process import state_dir
from nescord_core.process.rotated_files import RotatedFiles
from nescord_core.process.state_dir import make_folder, open_file, prepare, read_bytes, replace_file

NOT_FILES: dict[str, Callable[[Path], object]] = {
    "directory": lambda path: (path / "inside").mkdir(parents=True),
    "dangling link": lambda path: path.symlink_to("nowhere"),
    "link": lambda path: path.symlink_to(path.parent / "target"),
    "fifo": os.mkfifo,
}


@pytest.fixture(autouse=True)
def _no_other_directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process has one table of its directories; those of other tests are gone, which counts as lost."""
    monkeypatch.setattr(state_dir, "_identities", {})


def _mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def test_it_is_private_whatever_the_umask_says(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        prepare(tmp_path / "project" / ".nescord")
    finally:
        os.umask(previous)
    assert _mode(tmp_path / "project" / ".nescord") == _mode(tmp_path / "project/.nescord/run") == 0o700


@pytest.mark.parametrize("mode", [0o775, 0o757, 0o777, 0o1777])
def test_one_that_others_can_write_to_is_refused(tmp_path: Path, mode: int) -> None:
    directory = tmp_path / "state"
    directory.mkdir()
    directory.chmod(mode)
    link = tmp_path / "link"
    link.symlink_to(directory)
    for path in (directory, link):
        with pytest.raises(ConfigError, match=r"other users can write to .*chmod 700") as refused:
            prepare(path)
        assert refused.value.exit_code == 2
    assert not list(directory.iterdir()), "something was written to it"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_one_of_somebody_else_is_refused(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    directory.mkdir(mode=0o700)
    os.chown(directory, 65534, 65534)
    with pytest.raises(ConfigError, match=r"belongs to user 65534.*Set NESCORD_STATE_DIR"):
        prepare(directory)


@pytest.mark.bound("state_dir: modes")
def test_one_of_an_earlier_version_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "state" / "run").mkdir(parents=True, mode=0o755)
    (tmp_path / "state").chmod(0o755)
    prepare(tmp_path / "state")
    assert _mode(tmp_path / "state") == _mode(tmp_path / "state" / "run") == 0o700


def test_a_directory_that_holds_something_else_keeps_its_mode(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir(mode=0o755)
    (tmp_path / "home").chmod(0o755)
    (tmp_path / "home" / "page.html").touch()
    prepare(tmp_path / "home")
    assert _mode(tmp_path / "home") == 0o755
    assert _mode(tmp_path / "home" / "run") == 0o700


@pytest.mark.parametrize("entry", ["a file", "dangling"])
def test_what_is_no_directory_is_refused(tmp_path: Path, entry: str) -> None:
    if entry == "a file":
        (tmp_path / "state").touch()
    else:
        (tmp_path / "state").symlink_to("nowhere")
    with pytest.raises(ConfigError, match="cannot be written"):
        prepare(tmp_path / "state")


def test_it_is_not_created_again(tmp_path: Path) -> None:
    directory = tmp_path / "state"
    prepare(directory)
    assert not state_dir.is_lost(directory)
    directory.rename(tmp_path / "elsewhere")
    prepare(directory)
    for use in (
        lambda: make_folder(directory / "logs"),
        lambda: replace_file(directory / "commands.json", b"{}"),
        lambda: open_file(directory / "ws.lock", os.O_WRONLY | os.O_CREAT),
    ):
        with pytest.raises(FileNotFoundError):
            use()
    RotatedFiles(directory / "recent", keep=2).append(b"line\n")
    assert not directory.exists()
    assert state_dir.is_lost(directory)
    assert state_dir.lost() == directory
    directory.mkdir()
    assert state_dir.is_lost(directory), "another directory took its place"


@pytest.mark.parametrize("kind", NOT_FILES)
def test_what_is_no_file_is_set_aside_and_its_target_untouched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kind: str
) -> None:
    (tmp_path / "target").write_text("precious")
    entry = tmp_path / "entry"
    flags = (os.O_WRONLY | os.O_CREAT | os.O_TRUNC, os.O_RDWR | os.O_CREAT | os.O_APPEND)
    for number, each in enumerate(flags, start=1):
        NOT_FILES[kind](entry)
        os.close(open_file(entry, each))
        assert os.path.lexists(tmp_path / f"entry.damaged-{number}")
        entry.unlink()
    NOT_FILES[kind](entry)
    with pytest.raises(FileNotFoundError):
        read_bytes(entry)
    assert (tmp_path / "target").read_text() == "precious"
    assert len(caplog.records) == 3
    assert f"{tmp_path / 'entry'} is damaged (it is not a file): renamed to entry.damaged-1" in caplog.text


@pytest.mark.parametrize("kind", NOT_FILES)
def test_a_file_takes_the_place_of_what_is_none(tmp_path: Path, kind: str) -> None:
    NOT_FILES[kind](tmp_path / "entry")
    replace_file(tmp_path / "entry", b"content")
    assert read_bytes(tmp_path / "entry") == b"content"
    assert _mode(tmp_path / "entry") == 0o600


@pytest.mark.parametrize("kind", ["file", "dangling link", "fifo"])
def test_a_folder_takes_the_place_of_what_is_none(tmp_path: Path, kind: str) -> None:
    NOT_FILES.get(kind, Path.touch)(tmp_path / "logs")
    make_folder(tmp_path / "logs")
    assert (tmp_path / "logs").is_dir()
    assert os.path.lexists(tmp_path / "logs.damaged-1")


def test_a_readable_file_of_an_earlier_version_becomes_private(tmp_path: Path) -> None:
    (tmp_path / "dev.log").write_text("line\n")
    (tmp_path / "dev.log").chmod(0o644)
    os.close(open_file(tmp_path / "dev.log", os.O_WRONLY | os.O_APPEND))
    assert _mode(tmp_path / "dev.log") == 0o600
    assert (tmp_path / "dev.log").read_text() == "line\n"


@pytest.mark.bound("state_dir: owner and mode")
def test_a_command_says_so_in_one_sentence_and_exits_with_2(tmp_path: Path) -> None:
    (tmp_path / "state").mkdir()
    (tmp_path / "state").chmod(0o777)
    result = subprocess.run(
        [sys.executable, "-m", "nescord_cli", "run", "rest", "--port", "0"],
        env={**os.environ, "NESCORD_STATE_DIR": str(tmp_path / "state"), "DISCORD_BOT_TOKEN": "a.b.c"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 2
    assert "other users can write to" in result.stderr
    assert "Traceback" not in result.stderr
