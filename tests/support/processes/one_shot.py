"""Runs commands that end by themselves."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support.network import loopback
from support.processes.commands import NESCORD, PATIENCE, clean_environment

__all__ = ["Ended", "Nescord", "run"]

NO_ROOM = """
import os, resource, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
os.execv(sys.argv[1], sys.argv[1:])
"""


@dataclass(frozen=True)
class Ended:
    """A command's exit code and output; ``said`` is its stderr on one line, whatever the width."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        return " ".join(self.errors.split())

    def check_paragraph(self, code: int, *texts: str) -> None:
        """Check the exit code, and that stderr is one paragraph that contains these texts."""
        assert self.code == code, self
        assert self.errors.startswith("Error: "), self
        assert "Traceback" not in self.errors, self
        assert "\n\n" not in self.errors.strip(), self
        for text in texts:
            assert text in self.said, self


Nescord = Callable[..., Ended]


def run(*arguments: str, cwd: Path, full_disk: bool = False, **environ: str) -> Ended:
    """Run `nescord ARGUMENTS`, configured by ``environ`` only.

    With ``full_disk`` no file can grow, the closest to a full disk that works without a mount.
    """
    wrapper = (sys.executable, "-c", NO_ROOM) if full_disk else ()
    done = subprocess.run(
        (*wrapper, *NESCORD, *arguments),
        cwd=cwd,
        env=clean_environment() | loopback.environment() | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
