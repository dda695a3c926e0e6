"""A bot's file as Python would run it: by its path, or as a module of the package that it is a part of."""

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
    """``module`` is None for a file that stands by itself; ``directory`` is where its imports begin."""

    path: Path
    directory: Path
    module: str | None

    @property
    def run(self) -> Callable[[], object]:
        """What `python FILE` does, or `python -m MODULE` in the directory."""
        if self.module is None:
            return lambda: runpy.run_path(str(self.path), run_name="__main__")
        name = self.module
        return lambda: runpy.run_module(name, run_name="__main__", alter_sys=True)


def find(path: Path) -> Script:
    """Tell how a file (absolute) is to be run.

    With relative imports it only runs as ``python -m``; so does ``__main__.py`` of a package. The package
    begins below the first directory without an ``__init__.py``, or as far up as the imports go.
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
    """Return how many directories up the file's own imports reach; 0 for none that is relative."""
    try:
        tree = ast.parse(path.read_bytes(), str(path))
    except (OSError, SyntaxError, ValueError):
        return 0  # what is wrong shows when it is run
    return max((each.level for each in ast.walk(tree) if isinstance(each, ast.ImportFrom)), default=0)
