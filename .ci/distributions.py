#!/usr/bin/env python
"""Check that the wheel and the source distribution in a directory hold what git tracks, and nothing else."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGES = ("nescord_cli", "nescord_core", "templates", "protos")
MOVED = {"templates": "nescord_cli/templates", "protos": "nescord_core/protos"}
"""Folders that the wheel has elsewhere."""
BESIDE = {"LICENSE", "README.md", "pyproject.toml", "setup.cfg"}
"""What building from the source distribution needs besides the packages."""
MADE = {"PKG-INFO"}


def tracked() -> set[str]:
    """Return the files of the packages, by git."""
    command = ["git", "ls-files", "--", *PACKAGES]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return set(listed.stdout.splitlines())


def in_wheel(path: Path) -> set[str]:
    """Return the files of a wheel, without its metadata."""
    with zipfile.ZipFile(path) as wheel:
        return {name for name in wheel.namelist() if ".dist-info/" not in name}


def in_source(path: Path) -> set[str]:
    """Return the files of a source distribution, without its own folder and metadata."""
    with tarfile.open(path) as archive:
        names = {each.name.partition("/")[2] for each in archive.getmembers() if each.isfile()}
    return {name for name in names if not name.startswith("nescord.egg-info/")} - MADE


def moved(name: str) -> str:
    top, _, rest = name.partition("/")
    return f"{MOVED.get(top, top)}/{rest}"


def main() -> int:
    """Return 1 if a file is missing or does not belong there."""
    (wheel,) = Path(sys.argv[1]).glob("*.whl")
    (source,) = Path(sys.argv[1]).glob("*.tar.gz")
    files = tracked()
    good = True
    for path, has, wanted in (
        (wheel, in_wheel(wheel), set(map(moved, files))),
        (source, in_source(source), files | BESIDE),
    ):
        good = good and has == wanted
        for name in sorted(wanted - has):
            print(f"{path.name} lacks {name}", file=sys.stderr)
        for name in sorted(has - wanted):
            print(f"{path.name} has {name}, which git does not track", file=sys.stderr)
        print(f"{path.name}: {len(has)} files")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
