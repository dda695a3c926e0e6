"""The pages of the documentation, by their paths from the root of the repository."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from support.docs.blocks import STEPS, Block, parse

__all__ = ["FOLLOWED_ELSEWHERE", "ROOT", "blocks", "followed", "pages", "text"]

ROOT = Path(__file__).parents[3]
FOLLOWED_ELSEWHERE: tuple[str, ...] = ("README.md",)
"""tests/docs/test_readme.py follows these in a fresh environment."""


def pages() -> list[str]:
    """Return all pages but those that a test of their own follows."""
    found = [*(ROOT / "docs").rglob("*.md"), ROOT / "CONTRIBUTING.md"]
    return sorted(path.relative_to(ROOT).as_posix() for path in found)


def text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


@cache
def blocks(page: str) -> list[Block]:
    """Return the code blocks of a page."""
    return parse(page, text(page))


def followed(under: str = "") -> list[str]:
    """Return the pages that show commands or have steps, and are followed from top to bottom."""
    return [page for page in pages() if page.startswith(under) and any(map(_is_step, blocks(page)))]


def _is_step(block: Block) -> bool:
    if "skip" in block.marks:
        return False
    return block.language in ("bash", "sh", "console") or bool(STEPS & block.marks.keys())
