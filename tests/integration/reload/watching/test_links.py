"""Code behind symbolic links, and directories that are watched because the bot imports from them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from nescord_core.reload.watching.inotify import is_available
from nescord_core.reload.watching.watcher import Watcher, matcher_for
from support.dispatch.peers import until


@pytest.fixture(params=["inotify", "watchfiles", "polling"])
def way(request: pytest.FixtureRequest) -> str:
    if request.param == "inotify" and not is_available():
        pytest.skip("inotify exists on Linux only")
    return str(request.param)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a linked package, a linked file, and a package named like a build directory."""
    for directory in ("bot", "bot/build", "shared/cogs/deep", "shared/common"):
        (tmp_path / directory).mkdir(parents=True)
    (tmp_path / "bot/app.py").write_text("one\n")
    (tmp_path / "bot/build/tools.py").write_text("one\n")
    (tmp_path / "shared/cogs/fun.py").write_text("one\n")
    (tmp_path / "shared/single.py").write_text("one\n")
    (tmp_path / "shared/common/base.py").write_text("one\n")
    (tmp_path / "bot/cogs").symlink_to("../shared/cogs")
    (tmp_path / "bot/single.py").symlink_to("../shared/single.py")
    return tmp_path / "bot"


class Watching:
    """A running watcher and the names that it has told."""

    def __init__(self, project: Path, way: str) -> None:
        self.told: list[set[str]] = []
        self.watcher = Watcher(
            project,
            matcher_for(project, project / ".nescord"),
            lambda paths, _: self.told.append(set(paths)),
            polling=way == "polling",
            by_kernel=way == "inotify",
            mounts=(),
        )

    async def told_after(self, change: Callable[[], object]) -> set[str]:
        """Make a change; return all names that are told until one more save is told."""
        self.told.clear()
        change()
        await until(lambda: self.told)
        return set().union(*self.told)


@asynccontextmanager
async def watching(project: Path, way: str) -> AsyncIterator[Watching]:
    subject = Watching(project, way)
    async with asyncio.TaskGroup() as tasks:
        task = tasks.create_task(subject.watcher.run())
        await subject.watcher.is_watching.wait()
        yield subject
        task.cancel()


async def test_code_behind_links_is_watched_at_its_real_place(project: Path, way: str) -> None:
    shared = project.parent / "shared"
    async with watching(project, way) as it:
        told = await it.told_after(lambda: (shared / "cogs/fun.py").write_text("two\n"))
        assert told == {"cogs/fun.py"}
        told = await it.told_after(lambda: (project / "cogs/fun.py").write_text("three\n"))
        assert told == {"cogs/fun.py"}
        told = await it.told_after(lambda: (shared / "cogs/deep/new.py").write_text("one\n"))
        assert told == {"cogs/deep/new.py"}
        told = await it.told_after(lambda: (shared / "single.py").write_text("two\n"))
        assert told == {"single.py"}
        replacement = shared / "single.py~"
        replacement.write_text("three\n")
        told = await it.told_after(lambda: replacement.replace(shared / "single.py"))
        assert told == {"single.py"}


async def test_a_link_that_is_switched_changes_what_is_behind_it(project: Path, way: str) -> None:
    """As a deployment switches `current`, and Kubernetes `..data` of a mounted ConfigMap."""
    first, second = project / "..2026_1", project / "..2026_2"
    for number, place in enumerate((first, second)):
        place.mkdir()
        (place / "words.py").write_text(f"{number}\n")
        os.utime(place / "words.py", (7, 7))
    (project / "..data").symlink_to(first.name)
    (project / "words.py").symlink_to("..data/words.py")

    def switch(link: Path, target: str) -> None:
        fresh = link.with_name("fresh")
        fresh.symlink_to(target)
        fresh.replace(link)

    async with watching(project, way) as it:
        told = await it.told_after(lambda: switch(project / "..data", second.name))
        assert told == {"words.py"}
        (project.parent / "other").mkdir()
        (project.parent / "other/fun.py").write_text("other\n")
        told = await it.told_after(lambda: switch(project / "cogs", "../other"))
        assert told == {"cogs/fun.py"}
        told = await it.told_after(lambda: (project.parent / "other/fun.py").write_text("again\n"))
        assert told == {"cogs/fun.py"}
        told = await it.told_after(lambda: (project / "late").symlink_to("../shared/common"))
        assert told == {"late/base.py"}
        told = await it.told_after(lambda: (project.parent / "shared/common/base.py").write_text("two\n"))
        assert told == {"late/base.py"}


async def test_links_in_a_circle_and_to_the_outside_end(project: Path, way: str) -> None:
    (project / "round").symlink_to("round")
    (project / "itself").symlink_to(".")
    (project / "everything").symlink_to("/")
    (project / "nowhere.py").symlink_to("../shared/not there yet.py")
    async with watching(project, way) as it:
        told = await it.told_after(lambda: (project / "app.py").write_text("two\n"))
        assert told == {"app.py"}
        told = await it.told_after(lambda: (project.parent / "shared/not there yet.py").write_text("one\n"))
        assert told == {"nowhere.py"}


async def test_directories_with_imported_modules_are_watched_whatever_they_are_called(
    project: Path, way: str
) -> None:
    beside = project.parent / "shared/common"
    async with watching(project, way) as it:
        assert it.watcher.left_out() == ["build/ (by its name)"]
        (project / "build/tools.py").write_text("before\n")
        it.watcher.imported([str(project / "build"), str(project), str(beside)], since=2e9)
        assert it.watcher.left_out() == []
        told = await it.told_after(lambda: (project / "build/tools.py").write_text("two\n"))
        assert told == {"build/tools.py"}
        told = await it.told_after(lambda: (beside / "base.py").write_text("two\n"))
        assert told == {"../shared/common/base.py"}
        assert it.watcher.names_of(str(beside / "base.py")) == ["../shared/common/base.py"]
        assert it.watcher.names_of("cogs/fun.py") == ["cogs/fun.py"]
        assert it.watcher.names_of(str(project.parent / "shared/cogs/fun.py")) == ["cogs/fun.py"]


async def test_a_save_between_the_load_and_the_report_of_a_directory_is_told(project: Path, way: str) -> None:
    os.utime(project / "build/tools.py", (1000, 1000))
    async with watching(project, way) as it:
        told = await it.told_after(lambda: it.watcher.imported([str(project / "build")], since=999.5))
        assert told == {"build/tools.py"}


async def test_special_files_are_never_waited_for(project: Path, way: str) -> None:
    """A fifo would keep its reader waiting for a writer, and a device might never end."""
    os.mkfifo(project / "pipe.py")
    os.mkfifo(project / ".gitignore")
    os.mkfifo(project / ".env")
    (project / "zero.py").symlink_to("/dev/zero")
    (project / "tty.py").symlink_to("/dev/tty")
    async with asyncio.timeout(20), watching(project, way) as it:
        told = await it.told_after(lambda: (project / "app.py").write_text("two\n"))
        assert told == {"app.py"}
        (project / "other.py").write_text("one\n")
        await until(lambda: {"other.py"} in it.told)
        (project / "other.py").unlink()
        os.mkfifo(project / "other.py")
        await until(lambda: it.told.count({"other.py"}) == 2)
