"""The guides, followed as in test_pages; in a file of their own, as pytest divides files among processes."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.docs.pages import blocks, followed
from support.docs.walk import Walk


@pytest.mark.parametrize("page", followed("docs/guides/"))
def test_what_the_guide_says_happens(page: str, tmp_path: Path) -> None:
    with Walk(tmp_path) as reader:
        for block in blocks(page):
            reader.step(block)
