"""Locks that the kernel releases with their process."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from nescord_core.errors import AlreadyRunning
from nescord_core.services.control.exclusive_lock import exclusive_lock, was_not_released


def test_the_error_of_a_second_owner_names_the_first(tmp_path: Path) -> None:
    with exclusive_lock(tmp_path, "ws", "ws"):
        with (
            pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"),
            exclusive_lock(tmp_path, "ws", "ws"),
        ):
            pass
        with exclusive_lock(tmp_path, "main", "main"):
            pass


def test_an_orderly_release_is_distinguished_from_a_kill(tmp_path: Path) -> None:
    assert not was_not_released(tmp_path, "ws")
    with exclusive_lock(tmp_path, "ws", "ws"):
        assert was_not_released(tmp_path, "ws")
    assert not was_not_released(tmp_path, "ws")
    # A killed process leaves the file unchanged; the kernel releases its lock.
    (tmp_path / "run" / "ws.lock").write_text("12345")
    assert was_not_released(tmp_path, "ws")
    with exclusive_lock(tmp_path, "ws", "ws"):
        pass
    assert not was_not_released(tmp_path, "ws")
