"""Every heading of docs/troubleshooting.md is a text that nescord prints."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache

import pytest

from support.docs.pages import ROOT, text

HEADINGS = re.findall(r"^### (.+)$", text("docs/troubleshooting.md"), re.MULTILINE)
ANYTHING = "\0"
PLACEHOLDER = re.compile(r"%[sdgr]|%\.\d[fg]|\{[\w.!]*\}")


def strings(node: ast.AST) -> Iterator[str]:
    """Yield the texts in a syntax tree, with a mark for what is filled in at run time."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield PLACEHOLDER.sub(ANYTHING, node.value)
    elif isinstance(node, ast.JoinedStr):
        parts = [part.value if isinstance(part, ast.Constant) else ANYTHING for part in node.values]
        yield "".join(map(str, parts))
        for part in node.values:
            yield from strings(part) if not isinstance(part, ast.Constant) else ()
    else:
        for child in ast.iter_child_nodes(node):
            yield from strings(child)


@cache
def printed() -> str:
    """Return all texts of the code, a line each."""
    modules = [path for top in ("nescord_core", "nescord_cli") for path in (ROOT / top).rglob("*.py")]
    found = (each for path in modules for each in strings(ast.parse(path.read_text(encoding="utf-8"))))
    return "\n".join(" ".join(each.split()) for each in found)


def test_there_are_headings() -> None:
    assert len(HEADINGS) > 50
    assert len(set(HEADINGS)) == len(HEADINGS)


@pytest.mark.parametrize("heading", HEADINGS)
def test_the_text_is_in_the_code(heading: str) -> None:
    parts = [re.escape(part) for part in re.split(r" ?\.\.\. ?", heading) if part]
    filled = f"[^\n]{{0,3}}{ANYTHING}[^\n]{{0,3}}?".join(parts)
    assert re.search(filled, printed()), "no text in the code is like this"
