"""Finds directories whose code is not watched, so that `nescord dev` can say so at its start."""

from __future__ import annotations

import os
from pathlib import Path

from nescord_core.reload.watching.matcher import Matcher
from nescord_core.reload.watching.source_tree import LINKED_DIRECTORIES, SourceTree

__all__ = ["left_out"]

MOST_ENTRIES = 500
"""Entries that are looked at per directory: a build directory may be huge."""


def left_out(project: Path, matcher: Matcher, tree: SourceTree) -> list[str]:
    """Describe each directory that holds Python files but is left out, and each link with too much behind."""
    shown = []
    for name in sorted(tree.left_out):
        reason = matcher.reason_against(name)
        if reason is not None and _holds_code(str(project / name)):
            shown.append(f"{name}/ ({reason or 'by its name'})")
    more = f"more than {LINKED_DIRECTORIES:,} directories"
    return [*shown, *(f"some of {name}/ ({more})" for name in sorted(tree.too_large))]


def _holds_code(directory: str) -> bool:
    """Whether there are Python files in the directory or below it; those of an environment do not count."""
    waiting, seen = [directory], 0
    while waiting and seen < MOST_ENTRIES:
        try:
            with os.scandir(waiting.pop(0)) as entries:
                found = list(entries)
        except OSError:
            continue
        seen += len(found)
        names = {entry.name for entry in found}
        if "pyvenv.cfg" in names:
            continue
        if any(name.endswith(".py") for name in names):
            return True
        waiting += [entry.path for entry in found if entry.is_dir(follow_symlinks=False)]
    return False
