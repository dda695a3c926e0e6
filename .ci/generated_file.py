"""Writes a generated Python file, or checks the committed one; for the scripts that generate code."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

__all__ = ["ROOT", "run"]

ROOT = Path(__file__).parent.parent


def run(script: str, output: Path, text: str) -> int:
    """Write the formatted ``text``, or with --check return 1 if the committed file differs."""
    parser = argparse.ArgumentParser(description=f"Generate {output.relative_to(ROOT)}.")
    parser.add_argument("--check", action="store_true", help="fail if the committed file is stale")
    current = formatted(output, text)
    if not parser.parse_args().check:
        output.write_text(current)
    elif output.read_text() != current:
        print(f"{output.relative_to(ROOT)} is stale: run .ci/{Path(script).name}.", file=sys.stderr)
        return 1
    return 0


def formatted(output: Path, text: str) -> str:
    """Return the text as ruff formats it, without unused imports."""
    ruff = [sys.executable, "-m", "ruff"]
    options = ["--no-cache", "--config", str(ROOT / "ruff.toml"), "--stdin-filename", str(output), "-q", "-"]
    checked = piped([*ruff, "check", "--select", "F401,I,Q", "--fix", *options], text)
    return piped([*ruff, "format", *options], checked)


def piped(command: list[str], given: str) -> str:
    return subprocess.run(command, input=given, stdout=subprocess.PIPE, text=True, check=True).stdout
