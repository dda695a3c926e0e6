#!/usr/bin/env python
"""Check tests/user_programs with mypy and pyright, both strict: the marked lines have to be errors."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = ROOT / "tests" / "user_programs"

Lines = set[tuple[str, int]]


def mypy() -> Lines:
    """Return the lines in which mypy finds errors."""
    options = ["--strict", "--no-error-summary", "--config-file=", "--follow-imports=silent"]
    output = run("mypy", *options, str(PROGRAMS))
    return {
        (Path(match[1]).name, int(match[2]))
        for match in re.finditer(r"^(.+?):(\d+): error:", output, re.MULTILINE)
    }


def pyright() -> Lines:
    """Return the lines in which pyright finds errors, by the wheel that brings its own Node.js."""
    environment = Path(sys.prefix)
    settings = {
        "typeCheckingMode": "strict",
        "include": [str(PROGRAMS)],
        "extraPaths": [str(ROOT)],
        "venvPath": str(environment.parent),
        "venv": environment.name,
    }
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(settings, file)
        file.flush()
        found = json.loads(run("basedpyright", "--outputjson", "--project", file.name))
    if found["summary"]["filesAnalyzed"] < len(list(PROGRAMS.glob("*.py"))):
        raise SystemExit(f"pyright has not read the programs: {found['summary']}")
    errors = [each for each in found["generalDiagnostics"] if each["severity"] == "error"]
    return {(Path(each["file"]).name, each["range"]["start"]["line"] + 1) for each in errors}


def run(module: str, *arguments: str) -> str:
    """Return what a checker prints."""
    command = [sys.executable, "-m", module, *arguments]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        raise SystemExit(f"{module} failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def marked() -> Lines:
    """Return the lines that have to be errors."""
    return {
        (program.name, number)
        for program in PROGRAMS.glob("*.py")
        for number, line in enumerate(program.read_text().splitlines(), 1)
        if line.endswith("# error")
    }


def main() -> int:
    """Return 1 if a checker and the marks disagree."""
    checkers: Mapping[str, Callable[[], Lines]] = {"mypy": mypy, "pyright": pyright}
    expected, agree = marked(), True
    for name, check in checkers.items():
        found = check()
        agree = agree and found == expected
        for program, number in sorted(expected - found):
            print(f"{program}:{number}: {name} reports no error", file=sys.stderr)
        for program, number in sorted(found - expected):
            print(f"{program}:{number}: {name} reports an error", file=sys.stderr)
        print(f"{name}: {len(expected)} mistakes, {len(found)} lines with errors")
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
