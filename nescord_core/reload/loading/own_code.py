"""Tells the bot author's own code, which a reload loads again, from installed packages.

Own code is the project, and every other directory that is neither an installation directory of this
interpreter nor part of nescord: a library beside the project, say, that the bot has put on ``sys.path``.
"""

from __future__ import annotations

import os
import sys
import sysconfig
from functools import cache
from pathlib import Path
from types import ModuleType

__all__ = ["is_of_project", "is_own", "own_directories", "own_modules"]

INSTALLED = frozenset({"site-packages", "dist-packages"})
_NESCORD = str(Path(__file__).parents[3])


def is_of_project(path: str, project: Path) -> bool:
    """Return whether a path belongs to the project's own code, not to a virtual environment inside it."""
    candidate = Path(path)
    return candidate.is_relative_to(project) and INSTALLED.isdisjoint(candidate.parts)


def is_own(path: str, project: Path) -> bool:
    """Return whether an absolute path is the author's own code, in the project or elsewhere."""
    if not path.startswith("/") or not INSTALLED.isdisjoint(path.split("/")):
        return False
    return _is_below(path, str(project)) or not any(_is_below(path, each) for each in _installation())


@cache
def _installation() -> tuple[str, ...]:
    """Return the directories of the standard library and of nescord itself."""
    names = ("stdlib", "platstdlib")
    found = {sysconfig.get_path(name) for name in names} | {os.path.dirname(os.__file__)}  # noqa: PTH120
    found |= {os.path.realpath(each) for each in found}
    zipped = f"python{sys.version_info.major}{sys.version_info.minor}.zip"
    found |= {path for path in sys.path if path.endswith(zipped)}
    return (*found, f"{_NESCORD}/nescord_core", f"{_NESCORD}/nescord_cli")


def _is_below(path: str, directory: str) -> bool:
    return path == directory or path.startswith(f"{directory}{os.sep}")


def own_modules(project: Path) -> dict[str, frozenset[str]]:
    """Return the imported modules that are own code, each with the directories that it was found in."""
    verdicts: dict[str, bool] = {}
    found = {}
    for name, module in list(sys.modules.items()):
        directories = _directories(module)
        for each in directories - verdicts.keys():
            verdicts[each] = is_own(each, project)
        if own := frozenset(each for each in directories if verdicts[each]):
            found[name] = own
    return found


def own_directories(project: Path) -> frozenset[str]:
    """Return the directories that hold imported modules of the author's own."""
    return frozenset().union(*own_modules(project).values())


def _directories(module: ModuleType) -> frozenset[str]:
    """Return a module's directory, and those of a package: a namespace package has no file."""
    spec = getattr(module, "__spec__", None)
    file = getattr(module, "__file__", None) if spec is None else spec.origin if spec.has_location else None
    try:
        places = [os.fspath(each) for each in (spec.submodule_search_locations or ())] if spec else []
    except Exception:  # a module may hold any object, and a namespace package computes its paths
        places = []
    if isinstance(file, str):
        places.append(file.rpartition(os.sep)[0])
    return frozenset(each for each in places if isinstance(each, str) and each.startswith("/"))
