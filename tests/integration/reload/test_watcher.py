"""Real files and real notifications."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nescord_core.reload.watcher import Watcher, matcher_for
from support.wire_peers import until


@asynccontextmanager
async def watching(project: Path, *, polling: bool = False) -> AsyncIterator[list[set[str]]]:
    told: list[set[str]] = []
    watcher = Watcher(
        project,
        matcher_for(project, project / ".nescord"),
        lambda paths, _: told.append(set(paths)),
        polling=polling,
    )
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(watcher.run())
        await watcher.is_watching.wait()
        yield told
        task.cancel()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "bot").mkdir()
    (tmp_path / "bot/app.py").write_text("one\n")
    (tmp_path / ".gitignore").write_text("scratch.py\n")
    return tmp_path


@pytest.mark.parametrize("polling", [False, True])
async def test_a_save_is_told_once(project: Path, polling: bool) -> None:
    async with watching(project, polling=polling) as told:
        (project / "bot/app.py").write_text("two\n")
        await until(lambda: told)
        (project / "bot/other.py").write_text("other\n")
        await until(lambda: len(told) > 1)
    assert told == [{"bot/app.py"}, {"bot/other.py"}]


async def test_a_save_by_way_of_a_temporary_file_is_told_by_the_files_name(project: Path) -> None:
    async with watching(project) as told:
        (project / "bot/app.py~").write_text("two\n")
        (project / "bot/app.py~").replace(project / "bot/app.py")
        await until(lambda: told)
    assert told == [{"bot/app.py"}]


async def test_what_changes_nothing_is_not_told(project: Path) -> None:
    async with watching(project) as told:
        os.utime(project / "bot/app.py", (5, 5))
        (project / "bot/app.py").write_text("one\n")
        (project / "bot/data.json").write_text("{}")
        (project / "bot/__pycache__").mkdir()
        (project / "bot/__pycache__/app.py").write_text("x\n")
        (project / "scratch.py").write_text("x\n")
        (project / "bot/last.py").write_text("x\n")
        await until(lambda: told)
    assert told == [{"bot/last.py"}]


async def test_a_new_directory_is_watched_with_what_is_in_it_already(project: Path) -> None:
    async with watching(project) as told:
        (project / "bot/cogs/deep").mkdir(parents=True)
        (project / "bot/cogs/deep/fun.py").write_text("one\n")
        await until(lambda: {"bot/cogs/deep/fun.py"} in told)
        (project / "bot/cogs/deep/fun.py").write_text("two\n")
        await until(lambda: told.count({"bot/cogs/deep/fun.py"}) == 2)


async def test_a_removed_file_is_told(project: Path) -> None:
    async with watching(project) as told:
        (project / "bot/app.py").unlink()
        await until(lambda: told)
    assert told == [{"bot/app.py"}]
