"""The project's modules are compiled from their source every time, never taken from a .pyc file.

Python trusts a .pyc when the source's size and its time of change in whole seconds are as they were
(https://docs.python.org/3/reference/import.html#cached-bytecode-invalidation): after two saves of equal
length within one second the bot would run the first. Nothing is written into the project either.
"""

from __future__ import annotations

import importlib
import sys
from importlib.machinery import (
    BYTECODE_SUFFIXES,
    EXTENSION_SUFFIXES,
    SOURCE_SUFFIXES,
    ExtensionFileLoader,
    FileFinder,
    SourceFileLoader,
    SourcelessFileLoader,
)
from pathlib import Path
from types import CodeType

__all__ = ["FreshLoader", "install", "is_of_project"]

INSTALLED = frozenset({"site-packages", "dist-packages"})


class FreshLoader(SourceFileLoader):
    """Loads a module from its source alone."""

    def get_code(self, fullname: str) -> CodeType | None:
        """Compile the source as it is now."""
        path = self.get_filename(fullname)
        code: CodeType = self.source_to_code(self.get_data(path), path)
        return code


def is_of_project(path: str, project: Path) -> bool:
    """Say whether a file or directory belongs to the project's own code, not to an environment inside it."""
    candidate = Path(path)
    return candidate.is_relative_to(project) and INSTALLED.isdisjoint(candidate.parts)


def install(project: Path) -> None:
    """Import from ``project`` (absolute) first, and its modules always fresh."""
    new_finder = FileFinder.path_hook(
        (ExtensionFileLoader, EXTENSION_SUFFIXES),
        (FreshLoader, SOURCE_SUFFIXES),
        (SourcelessFileLoader, BYTECODE_SUFFIXES),
    )

    def hook(path: str) -> FileFinder:
        if not is_of_project(path or str(Path.cwd()), project):
            raise ImportError("not a directory of the project", path=path)
        finder: FileFinder = new_finder(path)  # type: ignore[assignment]
        return finder

    sys.path_hooks.insert(0, hook)
    sys.path_importer_cache.clear()
    importlib.invalidate_caches()
    if str(project) in sys.path:
        sys.path.remove(str(project))
    sys.path.insert(0, str(project))
