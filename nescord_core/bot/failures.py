"""Counts, logs and records failed events, and yields those that should be replayed."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from nescord_core.bot.absent_fields import absent_field
from nescord_core.bot.observing.summary import summary_of
from nescord_core.bot.registration import Registration
from nescord_core.bot.tracebacks import line_of, lines_of, trace_of_handler
from nescord_core.envelope import Envelope
from nescord_core.process.logs import HAS_TRACEBACK
from nescord_core.tracing.failed_events import CRASHED, RAISED, FailedLog, ReplayQueue, failed_id

__all__ = ["Failures"]

log = logging.getLogger(__name__)


class Failures:
    """``by_handler`` counts the exceptions of each handler. With ``quotes``, the log quotes the event."""

    def __init__(self, state_dir: Path, *, quotes: bool = False) -> None:
        self._quotes = quotes
        self.by_handler: Counter[str] = Counter()
        self._failed_log = FailedLog(state_dir)
        self._replays = ReplayQueue(state_dir)

    def close(self) -> None:
        """Close the files."""
        self._failed_log.close()

    def raised(
        self, registration: Registration, envelope: Envelope, error: BaseException, *, recorded: bool = True
    ) -> str:
        """Report an exception of a handler; the event counts as done, as a retry would probably fail too.

        Only if ``recorded``, the event is stored for a replay. Returns the error as one line.
        """
        self.by_handler[registration.name] += 1
        if advice := absent_field(error):
            error.add_note(advice)
        lines, line = lines_of(error), line_of(error)
        if recorded:
            self._failed_log.record(
                envelope,
                RAISED,
                handler=f"{registration.name} ({registration.place})",
                error=line,
                traceback="".join(lines),
            )
        quote = summary_of(envelope.data) if self._quotes else ""
        log.error(
            "%s (%s) failed on %s of shard %d, session %s, seq %d, guild %d%s%s\n%s",
            registration.name,
            registration.place,
            envelope.type,
            envelope.shard_id,
            envelope.session_id,
            envelope.seq,
            envelope.guild_id,
            ", redelivered" if envelope.redelivered else "",
            f"\n    {quote}" if quote else "",
            "".join(lines).rstrip(),
            exc_info=(type(error), error, trace_of_handler(error)),  # for error trackers
            extra={
                HAS_TRACEBACK: True,
                "failure": {**_subject(registration, envelope, quote), "traceback": "".join(lines)},
            },
        )
        return line

    def set_aside(self, envelope: Envelope) -> None:
        """Record an event that was in flight in three consecutive crashes."""
        self._failed_log.record(envelope, CRASHED, error="three processes crashed while it was in flight")
        log.error(
            "set aside %s %s, in flight when three processes crashed; see `nescord events failed`",
            envelope.type,
            failed_id(envelope),
        )

    def replays(self) -> Iterator[Envelope]:
        """Yield the recorded events whose replay was requested."""
        for failed in self._replays.take():
            envelope = failed.envelope()
            if envelope is not None:
                log.info("replaying %s %s as requested", envelope.type, failed.id)
                yield envelope

    def replayed(self, envelope: Envelope) -> None:
        """Mark a recorded event as replayed successfully."""
        self._failed_log.replayed(envelope)


def _subject(registration: Registration, envelope: Envelope, quote: str) -> dict[str, Any]:
    """Return which handler failed on what, for whoever renders it."""
    try:
        data = json.loads(envelope.data)
    except ValueError:
        data = None
    channel = data.get("channel_id") if isinstance(data, Mapping) else None
    return {
        "handler": registration.name,
        "type": envelope.type,
        "guild_id": envelope.guild_id,
        "channel_id": int(str(channel)) if str(channel).isdigit() else None,
        "quote": quote,
    }
