"""docs/protocol.md: each fact of the protocol names tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \|.*\|(.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`([\w/.]+)::(\w+)`")


def test_every_fact_is_held_by_tests_that_exist() -> None:
    rows = ROW.findall((ROOT / "docs" / "protocol.md").read_text())
    assert [int(number) for number, _ in rows] == list(range(1, 30))
    for number, tests in rows:
        named = NAMED.findall(tests)
        assert named, f"fact {number} names no test"
        for path, name in named:
            source = (ROOT / "tests" / path).read_text()
            assert re.search(rf"def {name}\(", source), f"fact {number}: {path} has no {name}"
