"""Real files and real notifications."""

from __future__ import annotations

import asyncio
import errno
import os
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import pytest

from nescord_core.reload.watching.file_systems import filesystem_of
from nescord_core.reload.watching.inotify import Inotify, is_available
from nescord_core.reload.watching.watcher import Watcher, _mounts, matcher_for
from support.dispatch.peers import until


@pytest.fixture(params=["inotify", "watchfiles"])
def way(request: pytest.FixtureRequest) -> str:
    if request.param == "inotify" and not is_available():
        pytest.skip("inotify exists on Linux only")
    return str(request.param)


@asynccontextmanager
async def watching(
    project: Path, way: str = "inotify", mounts: Iterable[tuple[str, str]] = ()
) -> AsyncIterator[list[set[str]]]:
    told: list[set[str]] = []
    watcher = Watcher(
        project,
        matcher_for(project, project / ".nescord"),
        lambda paths, _: told.append(set(paths)),
        polling=way == "polling",
        by_kernel=way == "inotify",
        mounts=mounts,
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


@pytest.mark.parametrize("way", ["inotify", "watchfiles", "polling"])
async def test_a_save_is_told_once(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        (project / "bot/app.py").write_text("two\n")
        await until(lambda: told)
        (project / "bot/other.py").write_text("other\n")
        await until(lambda: len(told) > 1)
    assert told == [{"bot/app.py"}, {"bot/other.py"}]


async def test_a_save_by_way_of_a_temporary_file_is_told_by_the_files_name(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        (project / "bot/app.py~").write_text("two\n")
        (project / "bot/app.py~").replace(project / "bot/app.py")
        await until(lambda: told)
    assert told == [{"bot/app.py"}]


async def test_what_changes_nothing_is_not_told(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        os.utime(project / "bot/app.py", (5, 5))
        (project / "bot/app.py").write_text("one\n")
        (project / "bot/data.json").write_text("{}")
        (project / "bot/__pycache__").mkdir()
        (project / "bot/__pycache__/app.py").write_text("x\n")
        (project / "scratch.py").write_text("x\n")
        (project / "bot/last.py").write_text("x\n")
        await until(lambda: told)
    assert told == [{"bot/last.py"}]


async def test_a_new_directory_is_watched_with_what_is_in_it_already(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        (project / "bot/cogs/deep").mkdir(parents=True)
        (project / "bot/cogs/deep/fun.py").write_text("one\n")
        await until(lambda: {"bot/cogs/deep/fun.py"} in told)
        (project / "bot/cogs/deep/fun.py").write_text("two\n")
        await until(lambda: told.count({"bot/cogs/deep/fun.py"}) == 2)


async def test_a_removed_file_is_told(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        (project / "bot/app.py").unlink()
        await until(lambda: told)
    assert told == [{"bot/app.py"}]


async def test_a_directory_under_a_new_name_is_watched_on(project: Path, way: str) -> None:
    async with watching(project, way) as told:
        (project / "bot").rename(project / "robot")
        await until(lambda: {"bot/app.py", "robot/app.py"} in told)
        (project / "robot/app.py").write_text("two\n")
        await until(lambda: {"robot/app.py"} in told)
        (project / "robot").rename(project / ".elsewhere")
        await until(lambda: told.count({"robot/app.py"}) == 2)
        (project / "robot").mkdir()
        (project / "robot/app.py").write_text("three\n")
        await until(lambda: told.count({"robot/app.py"}) == 3)


async def test_a_file_that_stays_open_is_told_all_the_same(project: Path) -> None:
    async with watching(project) as told:
        with (project / "bot/app.py").open("a") as file:
            file.write("more\n")
            file.flush()
            await until(lambda: told)
    assert told == [{"bot/app.py"}]


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (errno.ENOSPC, "max_user_watches"),
        (errno.EMFILE, "max_user_instances"),
        (errno.ENOSYS, "function not implemented"),
    ],
)
async def test_without_notifications_files_are_compared_and_a_line_says_why(
    project: Path, caplog: pytest.LogCaptureFixture, number: int, words: str
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inotify, "watch", staticmethod(partial(refuse, number)))
        async with watching(project) as told:
            (project / "bot/app.py").write_text("two\n")
            await until(lambda: told)
    assert told == [{"bot/app.py"}]
    assert words in caplog.text
    assert "files are compared every 0.5 s" in caplog.text


async def test_on_a_network_mount_files_are_compared_as_well(
    project: Path, caplog: pytest.LogCaptureFixture
) -> None:
    mounts = [("/", "ext4"), (str(project), "nfs4")]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Inotify, "watch", lambda *_: None)  # as it is when another machine writes
        async with watching(project, mounts=mounts) as told:
            (project / "bot/app.py").write_text("two\n")
            await until(lambda: told)
    assert told == [{"bot/app.py"}]
    assert "the project is on a nfs4 mount" in caplog.text


def test_the_system_names_its_mounts() -> None:
    assert filesystem_of(_mounts(), "/") != ""


def refuse(number: int, *_: object) -> None:
    raise OSError(number, os.strerror(number))


@pytest.mark.skipif(not is_available(), reason="inotify exists on Linux only")
async def test_when_notices_were_lost_everything_is_looked_at(project: Path) -> None:
    async with watching(project) as told:
        overflow_queue(project / "bot")
        (project / "bot/app.py").write_text("two\n")
        await until(lambda: told)
    assert told == [{"bot/app.py"}]


def overflow_queue(directory: Path) -> None:
    """Cause more notifications than the kernel keeps, before anybody can read them."""
    limit = int(Path("/proc/sys/fs/inotify/max_queued_events").read_text())
    if limit > 200_000:
        pytest.skip(f"the kernel keeps {limit:,} notifications")
    with (directory / "a.db").open("wb", 0) as one, (directory / "b.db").open("wb", 0) as other:
        for _ in range(limit // 2 + 1):
            one.write(b"x")
            other.write(b"x")  # the kernel merges equal notifications that follow each other
