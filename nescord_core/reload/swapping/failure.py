"""Failures of a new process to become ready, and what they lie in."""

from __future__ import annotations

import enum
from dataclasses import dataclass

__all__ = ["UNKNOWN_EXIT", "Blame", "Failure", "describe_exit"]

UNKNOWN_EXIT = 255
"""The exit code of a process whose code nobody reported."""


class Blame(enum.Enum):
    """What a failure to start lies in. Only CODE fails again for certain until somebody changes it.

    SURROUNDINGS: what the code needs was not there. PROCESS: the process was late, killed or never started.
    """

    CODE = "code"
    SURROUNDINGS = "surroundings"
    PROCESS = "process"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a worker did not become ready: the message, its location in the code, and an excerpt."""

    message: str
    file: str = ""
    line: int = 0
    excerpt: str = ""
    traceback: str = ""
    blame: Blame = Blame.CODE


def describe_exit(code: int) -> str:
    """Return the exit as words; a negative code is a signal."""
    return f"signal {-code}" if code < 0 else f"exit code {code}"
