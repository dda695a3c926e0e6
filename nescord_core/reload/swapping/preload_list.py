"""Persists the modules that workers import, so that the next run starts with a warm parent.

One small file in state_dir, valid only for the installed packages and the interpreter of that run.
"""

from __future__ import annotations

import json
import site
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from nescord_core.process.state_dir import read_bytes, replace_file
from nescord_core.reload.swapping.preloading import package_of

__all__ = ["PreloadList", "load_preload_list", "packages_stamp", "save_preload_list"]

FILE = "preload.json"


@dataclass(frozen=True, slots=True)
class PreloadList:
    """The modules of a worker, in import order, and the packages that a warm parent must not import."""

    modules: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


def load_preload_list(state_dir: Path) -> PreloadList:
    """Return the saved list; an empty one if there is none or the installed packages have changed."""
    try:
        fields = json.loads(read_bytes(state_dir / FILE))
        if fields["packages"] != _identity():
            return PreloadList()
        return PreloadList(tuple(map(str, fields["modules"])), frozenset(map(package_of, fields["left_out"])))
    except (OSError, ValueError, TypeError, KeyError):
        return PreloadList()


def save_preload_list(state_dir: Path, modules: Iterable[str], left_out: Iterable[str]) -> None:
    """Save the list atomically; raises OSError when state_dir cannot be written."""
    fields = {"packages": _identity(), "modules": list(modules), "left_out": sorted(left_out)}
    replace_file(state_dir / FILE, json.dumps(fields).encode())


def packages_stamp() -> tuple[int, ...]:
    """Return the modification times of the package directories, which change with every (un)installation."""
    stamps = []
    for path in package_directories():
        try:
            stamps.append(path.stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)


def package_directories() -> list[Path]:
    """Return the directories where packages are installed for this interpreter."""
    paths = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("purelib")}
    return [Path(path) for path in sorted(paths)]


def _identity() -> list[str]:
    return [sys.version, *map(str, packages_stamp())]
