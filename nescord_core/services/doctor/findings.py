"""What `nescord doctor` has found: one line a thing, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

__all__ = ["Finding", "Verdict", "failed", "passed", "warning"]


class Verdict(Enum):
    """Good, worth a look, or in the way."""

    GOOD = "good"
    WARNING = "warning"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``fix`` is what to do unless all is good."""

    subject: str
    verdict: Verdict
    text: str
    fix: str = ""


def passed(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(subject, Verdict.GOOD, text)


def warning(subject: str, text: str, fix: str) -> Finding:
    """It works, but perhaps not as meant."""
    return Finding(subject, Verdict.WARNING, text, fix)


def failed(subject: str, text: str, fix: str) -> Finding:
    """It does not work like this."""
    return Finding(subject, Verdict.BAD, text, fix)
