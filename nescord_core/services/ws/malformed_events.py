"""Records events that ws could not deliver or could not apply to a snapshot, for `nescord events failed`."""

from __future__ import annotations

import logging
import time
from pathlib import Path

from nescord_core.envelope import Envelope
from nescord_core.process.safe_text import printable
from nescord_core.tracing.failed_events import SET_ASIDE, FailedLog, failed_id

__all__ = ["SetAsideEvents"]

log = logging.getLogger("nescord.ws")

QUIET = 60.0
"""Seconds after a log line for which further events of the same type are recorded without one."""
MAX_TYPES = 1000
"""Types of which a line is logged within `QUIET`."""


class SetAsideEvents:
    """Events set aside by one cluster. Each is recorded; the log has one line a minute per event type."""

    def __init__(self, state_dir: Path) -> None:
        self._records = FailedLog(state_dir)
        self._logged: dict[str, float] = {}
        self.count = 0

    def undeliverable(self, envelope: Envelope, why: str) -> None:
        """Record an event that is not delivered to main."""
        self._record(envelope, f"ws did not deliver it: {why}", "is not delivered")

    def not_applied(self, envelope: Envelope, why: str) -> None:
        """Record an event that is delivered, but missing from ws's snapshot of its guild."""
        self._record(
            envelope, f"ws delivered it, but not into the snapshot of its guild: {why}", "is delivered"
        )

    def close(self) -> None:
        """Close the file."""
        self._records.close()

    def _record(self, envelope: Envelope, error: str, outcome: str) -> None:
        self.count += 1
        error = printable(error, 500)
        self._records.record(envelope, SET_ASIDE, error=error)
        if not self._is_logged(envelope.type, time.monotonic()):
            return
        log.error(
            "shard %d: a %s of an unexpected shape %s and recorded as %s: %s",
            envelope.shard_id,
            printable(envelope.type, 64),
            outcome,
            failed_id(envelope),
            error,
        )

    def _is_logged(self, kind: str, now: float) -> bool:
        """Decide whether an event gets a line, and remember it."""
        if now - self._logged.get(kind, float("-inf")) < QUIET:
            return False
        if len(self._logged) >= MAX_TYPES:
            self._logged = {each: at for each, at in self._logged.items() if now - at < QUIET}
            if len(self._logged) >= MAX_TYPES:
                return False
        self._logged.pop(kind, None)
        self._logged[kind] = now
        return True
