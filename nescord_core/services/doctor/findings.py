"""Findings of `nescord doctor`: a verdict, a sentence and a fix."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "Verdict", "failed", "passed", "warning"]


class Verdict(Enum):
    """The outcome of a check; the values are those of `nescord doctor --json`."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check; ``fix`` says what to do, and is empty if the check passed."""

    subject: str
    verdict: Verdict
    text: str
    fix: str = ""


def passed(subject: str, text: str) -> Finding:
    """Return the finding of a check that passed."""
    return Finding(subject, Verdict.GOOD, text)


def warning(subject: str, text: str, fix: str) -> Finding:
    """Return a warning: it works, but perhaps not as intended."""
    return Finding(subject, Verdict.WARNING, text, fix)


def failed(subject: str, text: str, fix: str) -> Finding:
    """Return an error: it does not work."""
    return Finding(subject, Verdict.BAD, text, fix)
