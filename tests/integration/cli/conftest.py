"""Fixtures of the command-line tests."""

from __future__ import annotations

from functools import partial
from pathlib import Path

import pytest

from nescord_core.services.dev.demo import make_project
from support.processes import one_shot


@pytest.fixture
def nescord(project: Path) -> one_shot.Nescord:
    """Run `nescord ARGUMENTS` in the project; keyword arguments are its environment."""
    return partial(one_shot.run, cwd=project)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project as created by `nescord init`."""
    make_project(tmp_path / "bot")
    return tmp_path / "bot"
