"""README.md followed from top to bottom in a fresh copy, a fresh shell and a fresh virtual environment."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from support.docs.pages import ROOT, blocks
from support.docs.walk import Walk

INSTALLING = 300.0
"""Seconds: pip downloads what is not in its cache."""
NO_COPY = shutil.ignore_patterns(".*", "build", "dist", "*.egg-info", "__pycache__", "node_modules", "tests")


@pytest.mark.timeout(900)
def test_the_readme_works_as_it_is_written(tmp_path: Path) -> None:
    with Walk(tmp_path, installed=False, patience=INSTALLING) as reader:
        clone = reader.shell.home / "nescord"
        shutil.copytree(ROOT, clone, ignore=NO_COPY)
        reader.shell.enter(clone)
        for block in blocks("README.md"):
            reader.step(block)
