"""Real files and the notifications of the kernel."""

from __future__ import annotations

import asyncio
import errno
import os
import resource
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from nescord_core.reload.watching.inotify import Inotify, Notice, is_available

pytestmark = pytest.mark.skipif(not is_available(), reason="inotify exists on Linux only")


@pytest.fixture
async def kernel(tmp_path: Path) -> AsyncIterator[Inotify]:
    (tmp_path / "bot").mkdir()
    with Inotify(tmp_path) as opened:
        opened.watch("")
        opened.watch("bot")
        yield opened


async def test_a_file_is_whole_once_its_writer_has_closed_it(kernel: Inotify, tmp_path: Path) -> None:
    with (tmp_path / "bot/app.py").open("w") as file:
        file.write("one\n")
        file.flush()
        assert await kernel.notices() == [Notice("bot/app.py", whole=False)] * 2  # created, written
    assert await kernel.notices() == [Notice("bot/app.py")]


async def test_a_move_is_reported_at_both_ends(kernel: Inotify, tmp_path: Path) -> None:
    (tmp_path / "app.py").touch()
    await kernel.notices()
    (tmp_path / "app.py").rename(tmp_path / "bot/app.py")
    assert await kernel.notices() == [Notice("app.py"), Notice("bot/app.py")]


async def test_a_directory_is_told_apart_from_a_file(kernel: Inotify, tmp_path: Path) -> None:
    (tmp_path / "bot/cogs").mkdir()
    assert await kernel.notices() == [Notice("bot/cogs", is_directory=True, whole=False)]
    (tmp_path / "bot/cogs").rmdir()
    assert await kernel.notices() == [Notice("bot/cogs", is_directory=True)]


async def test_a_renamed_directory_is_reported_under_its_new_name(kernel: Inotify, tmp_path: Path) -> None:
    (tmp_path / "bot").rename(tmp_path / "robot")
    await kernel.notices()
    kernel.watch("robot")
    (tmp_path / "robot/app.py").touch()
    assert {notice.path for notice in await kernel.notices()} == {"robot/app.py"}


async def test_a_directory_made_again_is_watched_again(kernel: Inotify, tmp_path: Path) -> None:
    (tmp_path / "bot").rmdir()
    (tmp_path / "bot").mkdir()
    kernel.watch("bot")
    (tmp_path / "bot/app.py").touch()
    assert Notice("bot/app.py") in await kernel.notices()


async def test_a_name_that_is_no_text_is_reported(kernel: Inotify, tmp_path: Path) -> None:
    (tmp_path / os.fsdecode(b"\xff.py")).touch()
    assert Notice(os.fsdecode(b"\xff.py")) in await kernel.notices()


async def test_a_stream_of_changes_leaves_the_loop_to_others(kernel: Inotify, tmp_path: Path) -> None:
    turns = calls = noticed = 0

    async def count() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    with (tmp_path / "a.py").open("wb", 0) as one, (tmp_path / "b.py").open("wb", 0) as other:
        for _ in range(6000):
            one.write(b"x")
            other.write(b"x")
    async with asyncio.TaskGroup() as tasks:
        counting = tasks.create_task(count())
        while noticed < 12_000:
            noticed += len(await kernel.notices())
            calls += 1
        counting.cancel()
    assert turns >= calls > 10


@pytest.mark.parametrize(("name", "error"), [("gone", FileNotFoundError), ("file", NotADirectoryError)])
async def test_what_cannot_be_watched(
    kernel: Inotify, tmp_path: Path, name: str, error: type[OSError]
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(error) as raised:
        kernel.watch(name)
    assert raised.value.filename == tmp_path / name


async def test_no_instance_is_left(tmp_path: Path) -> None:
    """inotify_init1 answers EMFILE for want of instances as for want of descriptors."""
    with Inotify(tmp_path):
        pass  # its modules are loaded
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        with pytest.raises(OSError, match="Too many open files") as raised:
            Inotify(tmp_path).__enter__()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert raised.value.errno == errno.EMFILE
