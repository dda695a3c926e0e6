#!/usr/bin/env python
"""Check the types of every Python block of the documentation with mypy.

A block may use names that its page has explained: they are declared before it, and a comment above the block
can declare more: ``<!-- test: given="bot: RunningBot" -->``.
"""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "tests"))
from support.docs.blocks import Block  # noqa: E402 (the tests are no package that can be installed)
from support.docs.pages import FOLLOWED_ELSEWHERE, blocks, pages  # noqa: E402

KIT = ("AsyncChannel", "AsyncUser", "Channel", "Sandbox", "User", "running_bot")
USUAL = {
    "NescordError": "from nescord_core.errors import NescordError",
    "alice": "from nescord_core.testing import User as _User\nalice: _User",
    "bob": "from nescord_core.testing import User as _User\nbob: _User",
    "asyncio": "import asyncio",
    "discord": "import discord",
    "pytest": "import pytest",
    "shutil": "import shutil",
    "time": "import time",
    "bot": "from discord.ext import commands as _commands\nbot: _commands.Bot",
    "listener": "from nescord_core import WsListener as _WsListener\nlistener = _WsListener()",
    "rest": "from nescord_core import RestClient as _RestClient\nrest = _RestClient()",
    "RestClient": "from nescord_core import RestClient",
    **{name: f"from nescord_core.testing import {name}" for name in KIT},
    "token": "token: str",
    "channel_id": "channel_id: int",
    "guild_id": "guild_id: int",
    "user_id": "user_id: int",
    "png_bytes": "png_bytes: bytes",
    "PNG": "PNG: bytes",
}
"""What a block may use without defining it, and how that is declared."""


def names(tree: ast.AST, kind: type[ast.expr_context]) -> set[str]:
    """Return the names that code reads or assigns, imports and definitions included."""
    found = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, kind)}
    if kind is ast.Store:
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                found.add(node.name)
            elif isinstance(node, ast.Import | ast.ImportFrom):
                found |= {(alias.asname or alias.name).partition(".")[0] for alias in node.names}
    return found


def parsed(text: str) -> ast.Module:
    return compile(text, "block", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def awaits(tree: ast.Module) -> bool:
    """Return whether a block awaits outside of a function."""
    stack: list[ast.AST] = list(tree.body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
            return True
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            stack += ast.iter_child_nodes(node)
    return False


def module(block: Block) -> str:
    """Return a block as a module that can be checked."""
    tree = parsed(block.text)
    given = block.marks.get("given", "").replace("; ", "\n")
    missing = names(tree, ast.Load) - names(tree, ast.Store) - names(parsed(given), ast.Store)
    missing -= set(re.findall(r"^(\w+):", given, re.MULTILINE))
    before = [USUAL[name] for name in sorted(missing) if name in USUAL]
    body = block.text
    if awaits(tree):
        body = "async def _block() -> None:\n" + indent(body, "    ")
    return "\n".join([*before, given, body])


def modules() -> Iterator[tuple[str, Block]]:
    """Yield each Python block with the name of its module."""
    for page in (*pages(), *FOLLOWED_ELSEWHERE):
        for block in blocks(page):
            if block.language == "python" and "skip" not in block.marks:
                yield re.sub(r"\W", "_", f"{page}_{block.line}"), block


def main() -> int:
    """Return 1 if mypy finds an error."""
    found = dict(modules())
    with tempfile.TemporaryDirectory() as scratch:
        for name, block in found.items():
            Path(scratch, f"{name}.py").write_text(module(block), encoding="utf-8")
        options = ["--check-untyped-defs", "--config-file=", "--follow-imports=silent", "--no-error-summary"]
        options += ["--cache-dir", str(ROOT / ".mypy_cache" / "docs")]
        command = [sys.executable, "-m", "mypy", *options, scratch]
        checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    for line in checked.stdout.splitlines():
        name = Path(line.partition(":")[0]).stem
        print(f"{found[name]}: {line.partition(': ')[2]}" if name in found else line, file=sys.stderr)
    print(f"{len(found)} Python blocks checked{checked.stderr}")
    return checked.returncode


if __name__ == "__main__":
    sys.exit(main())
