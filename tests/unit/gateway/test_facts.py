"""Every test that docs/contributing/tests.md names for a rule of the gateway exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = ROOT / "docs" / "contributing" / "tests.md"
NAMED = re.findall(r"^\| (\d+): .*`(tests/\S+)::(\w+)` \|$", PAGE.read_text(), re.MULTILINE)


def test_every_rule_from_18_to_26_is_named() -> None:
    assert {int(number) for number, _, _ in NAMED} == set(range(18, 27))


@pytest.mark.parametrize(("path", "name"), [(path, name) for _, path, name in NAMED])
def test_the_named_test_is_there(path: str, name: str) -> None:
    assert re.search(rf"^(async )?def {name}\(", (ROOT / path).read_text(), re.MULTILINE), (
        f"{path} has no {name}"
    )
