#!/usr/bin/env python
"""Check tests/user_programs with `mypy --strict`: exactly the marked lines have to be errors."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
PROGRAMS = ROOT / "tests" / "user_programs"


def main() -> int:
    """Return 1 if a checker and the marks disagree."""
    options = ["--strict", "--no-error-summary", "--config-file=", "--follow-imports=silent"]
    command = [sys.executable, "-m", "mypy", *options, str(PROGRAMS)]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if checked.returncode not in (0, 1):
        print(checked.stdout, checked.stderr, file=sys.stderr)
        return 1
    found = {
        (Path(match[1]).name, int(match[2]))
        for match in re.finditer(r"^(.+?):(\d+): error:", checked.stdout, re.MULTILINE)
    }
    marked = {
        (program.name, number)
        for program in PROGRAMS.glob("*.py")
        for number, line in enumerate(program.read_text().splitlines(), 1)
        if line.endswith("# error")
    }
    for name, number in sorted(marked - found):
        print(f"{name}:{number}: mypy reports no error", file=sys.stderr)
    for name, number in sorted(found - marked):
        print(f"{name}:{number}: mypy reports an error", file=sys.stderr)
    print(f"{len(marked)} mistakes in {len(list(PROGRAMS.glob('*.py')))} programs, {len(found)} found")
    return 0 if found == marked else 1


if __name__ == "__main__":
    sys.exit(main())
