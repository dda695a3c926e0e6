#!/usr/bin/env python3
"""Prints the lowest allowed version of every dependency in setup.cfg, as constraints for pip."""

from __future__ import annotations

import configparser
import re
import sys
from pathlib import Path

SETUP = Path(__file__).parent.parent / "setup.cfg"
REQUIREMENT = re.compile(r"(?P<name>[\w.-]+)(?:\[[^\]]*\])?(?:>=|==)(?P<version>[\w.]+)[^;]*(?P<marker>;.*)?")


def constraint(requirement: str) -> str:
    """Return ``name==version`` for a requirement, with its marker.

    Raises:
        ValueError: it has no lower bound.

    """
    match = REQUIREMENT.fullmatch(requirement)
    if match is None:
        raise ValueError(f"{requirement!r} in {SETUP} has no lower bound")
    return f"{match['name']}=={match['version']}{match['marker'] or ''}"


def main() -> int:
    """Print one constraint a line."""
    parser = configparser.ConfigParser()
    parser.read(SETUP, encoding="utf-8")
    lines = map(str.strip, parser["options"]["install_requires"].splitlines())
    print("\n".join(constraint(line) for line in lines if line and not line.startswith("#")))
    return 0


if __name__ == "__main__":
    sys.exit(main())
