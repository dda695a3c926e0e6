"""Every row of docs/explanation/limits.md is named by a test: ``pytest.mark.bound("SECTION: WHAT")``.

Such a test tries to exceed the limit, and shows what the row says and that memory stays within a bound.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def rows() -> set[str]:
    """Return the rows of the page's tables as "SECTION: WHAT", without backticks."""
    section, found = "", set()
    for line in (ROOT / "docs" / "explanation" / "limits.md").read_text(encoding="utf-8").splitlines():
        if line.startswith("## "):
            section = line[3:]
        elif line.startswith("| ") and not line.startswith("| what "):
            found.add(f"{section}: {line.split(' | ')[0][2:]}".replace("`", ""))
    return found


def marked() -> Iterator[tuple[str, str]]:
    """Yield each row that a test's marker names, and the file of that test."""
    for path in (ROOT / "tests").rglob("test_*.py"):
        text = path.read_text(encoding="utf-8")
        if "mark.bound(" not in text:
            continue
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("mark.bound"):
                for argument in node.args:
                    assert isinstance(argument, ast.Constant), f"{path}: {ast.unparse(node)}"
                    yield str(argument.value), str(path.relative_to(ROOT))


def test_every_limit_is_tested() -> None:
    named = {row for row, _ in marked()}
    assert not (missing := sorted(rows() - named)), f"{len(missing)} rows without a test: {missing}"


def test_every_marker_names_a_limit() -> None:
    known = rows()
    assert len(known) > 70, "the page is read"
    assert not [(row, path) for row, path in marked() if row not in known]
