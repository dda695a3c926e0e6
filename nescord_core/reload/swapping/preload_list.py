"""What the last run's workers had imported, so that the next run starts warm.

One small file in state_dir. It holds for the installed packages and the interpreter of that run alone.
"""

from __future__ import annotations

import json
import os
import site
import sys
import sysconfig
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

__all__ = ["PreloadList", "packages_stamp", "recall", "remember"]

FILE = "preload.json"


@dataclass(frozen=True, slots=True)
class PreloadList:
    """Modules to import ahead, in their order, and those that a warm parent must not import."""

    modules: tuple[str, ...] = ()
    left_out: frozenset[str] = frozenset()


def recall(state_dir: Path) -> PreloadList:
    """Return what was remembered; nothing when there is no such file, or other packages are installed now."""
    try:
        fields = json.loads((state_dir / FILE).read_text(encoding="utf-8"))
        if fields["packages"] != _identity():
            return PreloadList()
        return PreloadList(tuple(map(str, fields["modules"])), frozenset(map(str, fields["left_out"])))
    except (OSError, ValueError, TypeError, KeyError):
        return PreloadList()


def remember(state_dir: Path, modules: Iterable[str], left_out: Iterable[str]) -> None:
    """Write it down in one step; raises OSError when state_dir cannot be written."""
    fields = {"packages": _identity(), "modules": list(modules), "left_out": sorted(left_out)}
    state_dir.mkdir(parents=True, exist_ok=True)
    fresh = state_dir / f".{FILE}.{os.getpid()}"
    try:
        fresh.write_text(json.dumps(fields), encoding="utf-8")
        fresh.replace(state_dir / FILE)
    except OSError:
        fresh.unlink(missing_ok=True)
        raise


def packages_stamp() -> tuple[int, ...]:
    """Tell installed packages from others: installing or removing one changes its directory."""
    stamps = []
    for path in package_directories():
        try:
            stamps.append(path.stat().st_mtime_ns)
        except OSError:
            stamps.append(0)
    return tuple(stamps)


def package_directories() -> list[Path]:
    """Where packages are installed for this interpreter."""
    paths = {*site.getsitepackages(), site.getusersitepackages(), sysconfig.get_path("purelib")}
    return [Path(path) for path in sorted(paths)]


def _identity() -> list[str]:
    return [sys.version, *map(str, packages_stamp())]
