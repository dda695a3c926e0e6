"""Pretends that a package is installed: writes the metadata that importlib.metadata finds."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

__all__ = ["add_distribution"]


def add_distribution(directory: Path, name: str, version: str, files: Sequence[str] = ()) -> None:
    """Write a distribution's metadata; it counts once the directory is on the import path."""
    info = directory / f"{name.replace('-', '_').replace('.', '_')}-{version}.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n")
    for file in files:  # from Python 3.12 on, a file that is listed and not there does not count
        (directory / file).parent.mkdir(parents=True, exist_ok=True)
        (directory / file).touch()
    if files:
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in files))
