"""Counts, logs and records failed events, and yields those that should be replayed."""

from __future__ import annotations

import logging
import traceback
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

from nescord_core.bot.absent_fields import absent_field
from nescord_core.bot.observing.summary import summary_of
from nescord_core.bot.registration import Registration
from nescord_core.envelope import Envelope
from nescord_core.process.logs import HAS_TRACEBACK
from nescord_core.tracing.failed_events import CRASHED, RAISED, FailedLog, ReplayQueue, failed_id

__all__ = ["Failures"]

log = logging.getLogger(__name__)

_SHOWN_FRAMES = 8
_CALLERS = frozenset({"nescord_core.bot.runtime", "nescord_core.bot.registration"})


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
        lines = traceback.format_exception(type(error), error, _of_handler(error), limit=-_SHOWN_FRAMES)
        line = _without_notes(error)
        if recorded:
            self._failed_log.record(
                envelope,
                RAISED,
                handler=f"{registration.name} ({registration.place})",
                error=line,
                traceback="".join(lines),
            )
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
            f"\n    {summary_of(envelope.data)}" if self._quotes else "",
            "".join(lines).rstrip(),
            exc_info=(type(error), error, _of_handler(error)),  # for error trackers
            extra={HAS_TRACEBACK: True},
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


def _of_handler(error: BaseException) -> TracebackType | None:
    """Return the traceback from the handler on, without the frames that call it."""
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_globals.get("__name__") in _CALLERS:
        trace = trace.tb_next
    return trace


def _without_notes(error: BaseException) -> str:
    """Return an exception as one line: its type and message."""
    described = traceback.TracebackException(type(error), error, None)
    described.__notes__ = []
    return [*described.format_exception_only()][-1].strip()
