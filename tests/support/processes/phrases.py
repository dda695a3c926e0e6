"""What nescord prints for people and tests wait for; the wording may change, here."""

from __future__ import annotations

__all__ = ["READY", "RELOADED", "WITH_KEYS"]

READY = "^C stops everything"
"""The end of a start of `nescord dev` or `run all`."""
WITH_KEYS = "^C stops everything, h shows the keys."
RELOADED = "reloaded in "
