from __future__ import annotations

import os
from pathlib import Path

import pytest

from nescord_core.reload.watching.contents import ContentSnapshot
from nescord_core.reload.watching.matcher import Matcher


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/app.py").write_text("one\n")
    (tmp_path / ".venv/lib").mkdir(parents=True)
    (tmp_path / ".venv/lib/x.py").write_text("x\n")
    return tmp_path


@pytest.fixture
def snapshot(project: Path) -> ContentSnapshot:
    taken = ContentSnapshot(project, Matcher())
    taken.changed()
    return taken


def test_a_touch_without_a_change_does_nothing(project: Path, snapshot: ContentSnapshot) -> None:
    os.utime(project / "bot/app.py", (1, 1))
    assert snapshot.changed(["bot/app.py"]) == set()


def test_a_save_with_the_same_content_does_nothing(project: Path, snapshot: ContentSnapshot) -> None:
    (project / "bot/app.py").write_text("one\n")
    assert snapshot.changed(["bot/app.py"]) == set()


def test_another_content_is_told_once(project: Path, snapshot: ContentSnapshot) -> None:
    (project / "bot/app.py").write_text("two\n")
    assert snapshot.changed() == {"bot/app.py"}
    assert snapshot.changed() == set()


def test_a_named_file_is_read_even_when_size_and_time_are_as_before(
    project: Path, snapshot: ContentSnapshot
) -> None:
    before = (project / "bot/app.py").stat()
    (project / "bot/app.py").write_text("two\n")
    os.utime(project / "bot/app.py", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert snapshot.changed(["bot/app.py"]) == {"bot/app.py"}


def test_new_and_removed_files_are_changes(project: Path, snapshot: ContentSnapshot) -> None:
    (project / "bot/cogs").mkdir()
    (project / "bot/cogs/fun.py").write_text("fun\n")
    (project / "bot/app.py").unlink()
    assert snapshot.changed() == {"bot/app.py", "bot/cogs/fun.py"}
    assert snapshot.directories == {"", "bot", "bot/cogs"}


def test_what_is_not_watched_is_not_looked_into(project: Path, snapshot: ContentSnapshot) -> None:
    (project / ".venv/lib/x.py").write_text("y\n")
    assert snapshot.changed() == set()
    assert snapshot.directories == {"", "bot"}


def test_single_files_can_be_read_again(project: Path, snapshot: ContentSnapshot) -> None:
    (project / "bot/app.py").write_text("two\n")
    (project / "bot/new.py").write_text("new\n")
    assert snapshot.reread(["bot/app.py", "bot/gone.py"]) == {"bot/app.py"}
    assert snapshot.reread(["bot/app.py"]) == set()
    (project / "bot/app.py").unlink()
    assert snapshot.reread(["bot/app.py", "bot/new.py"]) == {"bot/app.py", "bot/new.py"}
    assert snapshot.changed() == set()
