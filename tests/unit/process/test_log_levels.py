"""Levels that change while a process runs, and change back."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from nescord_core.process.log_levels import (
    LevelChange,
    LevelFollower,
    changed,
    follow,
    reset_levels,
    set_level,
)

NAMES = ("", "discord", "nescord_core.dispatch", "mybot")


@pytest.fixture(autouse=True)
def levels() -> Iterator[None]:
    before = {name: logging.getLogger(name).level for name in NAMES}
    logging.getLogger().setLevel(logging.INFO)
    logging.getLogger("discord").setLevel(logging.WARNING)
    yield
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


def now(*names: str) -> list[int]:
    return [logging.getLogger(name).level for name in names]


def test_a_change_of_all_keeps_libraries_quieter_and_its_end_restores_everything() -> None:
    follower = LevelFollower("ws")
    logging.getLogger("nescord_core.dispatch").setLevel(logging.WARNING)  # as `nescord dev` does
    follower.apply({"ws": {"": LevelChange("debug")}, "main": {"mybot": LevelChange("error")}})
    assert now("", "discord", "nescord_core.dispatch") == [logging.DEBUG, logging.INFO, logging.NOTSET]
    assert now("mybot") == [logging.NOTSET]
    follower.apply({"ws": {"": LevelChange("debug"), "discord": LevelChange("debug")}})
    assert now("", "discord") == [logging.DEBUG, logging.DEBUG]
    follower.apply({"ws": {"": LevelChange("error")}})
    assert now("", "discord") == [logging.ERROR, logging.WARNING]
    follower.apply({})
    assert now("", "discord", "nescord_core.dispatch") == [logging.INFO, logging.WARNING, logging.WARNING]


def test_changes_are_kept_by_service_and_end_at_their_time(tmp_path: Path) -> None:
    set_level(tmp_path, "ws", "", LevelChange("debug"))
    set_level(tmp_path, "main", "discord", LevelChange("info", until=5e9))
    assert changed(tmp_path, 4e9).keys() == {"ws", "main"}
    assert changed(tmp_path, 6e9)["main"] == {}
    reset_levels(tmp_path, "ws")
    reset_levels(tmp_path, "rest")
    assert changed(tmp_path, 4e9) == {"main": {"discord": LevelChange("info", until=5e9)}}


@pytest.mark.parametrize("damage", [b"", b"[]", b'{"ws": 1}', b'{"ws": {"": {"level": "loud"}}}', b"\xff"])
def test_a_damaged_file_changes_nothing(tmp_path: Path, damage: bytes) -> None:
    (tmp_path / "log_levels.json").write_bytes(damage)
    follower = LevelFollower("ws")
    follower.apply(changed(tmp_path, 0.0))
    assert now("") == [logging.INFO]


async def test_a_process_follows_the_file_and_the_end_of_a_change(tmp_path: Path) -> None:
    known: list[Path] = []
    moments = [100.0]
    following = asyncio.create_task(
        follow("ws", lambda: next(iter(known), None), interval=0.005, clock=lambda: moments[-1])
    )
    try:
        set_level(tmp_path, "ws", "", LevelChange("debug"))
        await asyncio.sleep(0.02)
        assert now("") == [logging.INFO]
        known.append(tmp_path)
        await until_level(logging.DEBUG)
        reset_levels(tmp_path, "ws")
        await until_level(logging.INFO)
        set_level(tmp_path, "ws", "", LevelChange("error", until=5e9))
        await until_level(logging.ERROR)
        moments.append(6e9)
        await until_level(logging.INFO)
    finally:
        following.cancel()
    assert (tmp_path / "log_levels.json").stat().st_mode & 0o077 == 0


async def until_level(level: int) -> None:
    while logging.getLogger().level != level:  # noqa: ASYNC110 - levels have no event
        await asyncio.sleep(0.005)
