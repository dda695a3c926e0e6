"""Settings of a listener under test."""

from __future__ import annotations

from pathlib import Path

import pytest

from nescord_core.settings import MainSettings


@pytest.fixture
def settings(tmp_path: Path) -> MainSettings:
    return MainSettings(listen_port=0, state_dir=tmp_path, drain_timeout=5.0)
