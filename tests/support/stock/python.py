"""Python packages in environments of their own, in the user's cache: client libraries exclude each other."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from support.stock.install_cache import installed_once

__all__ = ["installed_python"]

UNREACHABLE = (
    "Failed to establish a new connection",
    "Name or service not known",
    "NameResolutionError",
    "Temporary failure in name resolution",
    "ConnectTimeoutError",
    "Connection refused",
    "ProxyError",
    "ReadTimeoutError",
)
TIMEOUT = 100.0


def installed_python(project: Path) -> Path:
    """Return the interpreter of an environment with the project's requirements.txt, installed once.

    Skips the test if the package index is unreachable; any other failure of pip is an error.
    """
    requirements = project / "requirements.txt"
    version = f"{sys.version_info.major}.{sys.version_info.minor}"
    mark = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    name = f"{project.name}-py{version}-{mark}"
    return _interpreter(installed_once(name, lambda environment: _install(requirements, environment)))


def _interpreter(environment: Path) -> Path:
    return environment / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def _install(requirements: Path, environment: Path) -> None:
    venv.create(environment, with_pip=False, symlinks=os.name != "nt")
    target = ("--python", str(_interpreter(environment)))
    options = ("--quiet", "--no-deps", "--retries", "1")
    command = (sys.executable, "-m", "pip", *target, "install", *options, "-r", str(requirements))
    # The guard that keeps the tests on this machine is for clients, not for pip.
    variables = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    try:
        done = subprocess.run(
            command, env=variables, capture_output=True, text=True, timeout=TIMEOUT, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"the package index did not answer within {TIMEOUT:.0f} s")
    if done.returncode:
        if any(each in done.stderr for each in UNREACHABLE):
            pytest.skip(f"the package index cannot be reached: {done.stderr.strip()[-300:]}")
        raise AssertionError(done.stderr)
