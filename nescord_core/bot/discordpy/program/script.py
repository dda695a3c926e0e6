"""Finds out how Python would run a bot's file: by its path, or as a module of its package."""

from __future__ import annotations

import ast
import runpy
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Script", "find"]

_INIT = "__init__.py"


@dataclass(frozen=True)
class Script:
    """``module`` is None for a standalone file; ``directory`` is where its imports start."""

    path: Path
    directory: Path
    module: str | None

    @property
    def run(self) -> Callable[[], object]:
        """A function that does what `python FILE` does, or `python -m MODULE` in the directory."""
        if self.module is None:
            return lambda: runpy.run_path(str(self.path), run_name="__main__")
        name = self.module
        return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)


def find(path: Path) -> Script:
    """Return how to run a file, given by its absolute path.

    With relative imports it only runs as ``python -m``; so does ``__main__.py`` of a package. The package
    starts below the first directory without an ``__init__.py``, or as far up as the imports reach.
    """
    levels = _levels(path)
    if path.name == "__main__.py" and (path.parent / _INIT).is_file():
        levels = max(levels, 1)
    if not levels:
        return Script(path, path.parent, None)
    top = path.parent
    parts = [path.stem]
    while levels > 0 or (top / _INIT).is_file():
        if top == top.parent:
            break
        parts.insert(0, top.name)
        top, levels = top.parent, levels - 1
    return Script(path, top, ".".join(parts))


def _levels(path: Path) -> int:
    """Return how many directories up the file's own imports reach; 0 without relative imports."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError):
        return 0  # the error shows when it is run
    return max((each.level for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)), default=0)
