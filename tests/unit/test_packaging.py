"""What the wheel holds: every package, and nothing but what setup.cfg names."""

from __future__ import annotations

from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).parents[2]
MAPPED = {"nescord_cli.templates": "templates", "nescord_core.protos": "protos"}


def test_every_package_is_listed() -> None:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    listed = set(setup["options"]["packages"].split())
    found = {
        ".".join(path.parent.relative_to(ROOT).parts)
        for top in ("nescord_cli", "nescord_core")
        for path in (ROOT / top).rglob("__init__.py")
    }
    assert listed == found | MAPPED.keys()
    assert all((ROOT / directory).is_dir() for directory in MAPPED.values())
