"""Locks that end with their process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nescord_core.errors import AlreadyRunning
from nescord_core.services.control.exclusive_lock import exclusive_lock, was_not_released


def test_a_second_owner_is_told_who_the_first_is(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path, "ws", "ws"):
        with (
            pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
            exclusive_lock(tmp_path, "ws", "ws"),
        ):
            pass
        with exclusive_lock(tmp_path, "main", "main"):
            pass


def test_an_owner_that_left_in_order_is_told_from_one_that_was_killed(tmp_path: Path) -> None:
    assert not was_not_released(tmp_path, "ws")
    with exclusive_lock(tmp_path, "ws", "ws"):
        assert was_not_released(tmp_path, "ws")
    assert not was_not_released(tmp_path, "ws")
    # A killed process leaves the file as it was, and the kernel drops its lock.
    (tmp_path / "run" / "ws.lock").write_text("12345")
    assert was_not_released(tmp_path, "ws")
    with exclusive_lock(tmp_path, "ws", "ws"):
        pass
    assert not was_not_released(tmp_path, "ws")
