"""Commands that end by themselves, run to their end as a person would run them."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from support import loopback
from support.commands import NESCORD, PATIENCE, clean_environment

__all__ = ["Ended", "Nescord", "run"]


@dataclass(frozen=True)
class Ended:
    """What a command said and how it left; ``said`` is its errors in one line, whatever the width."""

    code: int
    output: str
    errors: str

    @property
    def said(self) -> str:
        return " ".join(self.errors.split())

    def check_paragraph(self, code: int, *texts: str) -> None:
        """Check the exit code, and that the errors are one paragraph that holds these texts."""
        assert self.code == code, self
        assert self.errors.startswith("Error: "), self
        assert "Traceback" not in self.errors, self
        assert "\n\n" not in self.errors.strip(), self
        for text in texts:
            assert text in self.said, self


Nescord = Callable[..., Ended]


def run(*arguments: str, cwd: Path, **environ: str) -> Ended:
    """Run `nescord ARGUMENTS` with nothing but ``environ`` to configure it."""
    done = subprocess.run(
        (*NESCORD, *arguments),
        cwd=cwd,
        env=clean_environment() | loopback.environment() | environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())
