"""Every rule of protocol.md has a row in contributing/tests.md that names its tests, and they exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \|.*\|(.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/.]+)::(\w+)`")
FACTS = list(range(1, 30))


def rows(page: str) -> list[tuple[str, str]]:
    return ROW.findall((ROOT / "docs" / page).read_text())


def test_every_fact_is_held_by_tests_that_exist() -> None:
    table = rows("contributing/tests.md")
    assert [int(number) for number, _ in table] == FACTS
    for number, tests in table:
        named = NAMED.findall(tests)
        assert named, f"fact {number} names no test"
        for path, name in named:
            source = (ROOT / path).read_text()
            assert re.search(rf"def {name}\(", source), f"fact {number}: {path} has no {name}"


def test_the_page_for_users_states_every_fact() -> None:
    table = rows("explanation/protocol.md")
    assert [int(number) for number, _ in table] == FACTS
    assert all(answer.strip() for _, answer in table)
