"""What the wheel holds: every package, and nothing but what setup.cfg names."""

from __future__ import annotations

import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

from packaging.requirements import Requirement

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


RED = {
    "aiohttp": "3.9.5",
    "click": "8.1.8",
    "discord.py": "2.7.1",
    "multidict": "6.1.0",
    "orjson": "3.10.15",
    "psutil": "7.2.2",
    "rich": "14.3.3",
    "typing-extensions": "4.13.2",
    "uvloop": "0.21.0",
    "yarl": "1.15.2",
    "zstandard": "0.23.0",
}
"""What Red-DiscordBot 3.5.24 pins of the packages that nescord needs as well."""


def requirements() -> dict[str, Requirement]:
    setup = ConfigParser()
    setup.read(ROOT / "setup.cfg")
    lines = setup["options"]["install_requires"].splitlines()
    found = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return {each.name: each for each in found}


def test_a_bot_that_pins_older_versions_can_be_installed_beside_it() -> None:
    ours = requirements()
    assert [name for name, pin in RED.items() if name in ours and pin not in ours[name].specifier] == []


def test_the_lowest_allowed_versions_are_known_to_ci() -> None:
    done = subprocess.run(
        [sys.executable, ROOT / ".ci/lowest.py"], capture_output=True, text=True, check=True
    )
    lowest = {each.name: each for each in map(Requirement, done.stdout.splitlines())}
    ours = requirements()
    assert lowest.keys() == ours.keys()
    for name, constraint in lowest.items():
        (pin,) = constraint.specifier
        assert pin.version in ours[name].specifier
        assert constraint.marker == ours[name].marker
