"""Every command that the documentation shows is run, page by page, and prints what the page says it prints.

test_guides follows the guides, test_readme README.md.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from support.docs.pages import blocks, followed
from support.docs.walk import Walk


@pytest.mark.parametrize("page", [page for page in followed() if not page.startswith("docs/guides/")])
def test_what_the_page_says_happens(page: str, tmp_path: Path) -> None:
    with Walk(tmp_path) as reader:
        for block in blocks(page):
            reader.step(block)
