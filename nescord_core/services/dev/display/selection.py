"""Decides which lines a terminal shows. Pure.

Quiet is the default in a terminal: what the bot prints, what went wrong, and what a person has to know. The
rest is in the log files (`nescord logs`) and shown with ``-v``. A pipe or a file gets everything.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from nescord_core.process.log_records import Record
from nescord_core.supervisor.lifecycle import State
from nescord_core.supervisor.output import Shown

__all__ = ["Selection"]

WARNING = 2
NOTICES = frozenset(
    {
        "nescord.main",
        "nescord_core.bot.drain_notice",
        "nescord_core.bot.failures",
        "nescord_core.dispatch.sender.sender",
    }
)
"""Loggers whose information is meant for the bot's author."""
OWN = ("nescord", "nescord_core")
MOST_HELD = 50
SENDER = "nescord_core.dispatch.sender"
BOT = frozenset({"main", "exec"})
"""Services that print for the bot's author; the others print for nescord's."""


class Selection:
    """Chooses lines. With ``verbose`` it chooses all of them."""

    def __init__(self, *, own: str, verbose: bool) -> None:
        self._own = own
        self._verbose = verbose
        self.focus: str | None = None
        """The service that a person has asked for: all of its lines are shown."""
        self._troubled: set[str] = set()
        self._held: dict[str, deque[Shown]] = {}
        self._is_main_broken = False
        self._is_main_ready = False

    def choose(self, shown: Shown) -> list[Shown]:
        """Return what the terminal shows now: this, nothing, or with it what was held back.

        What a service prints while it fails is held back until it is known whether it is started again; if
        not, the error that ends the run quotes it.
        """
        if self._verbose or self.focus == shown.service:
            self._takes(shown)
            return [shown]
        if shown.stream == "stderr" and shown.record is None and shown.service not in BOT:
            self._held.setdefault(shown.service, deque(maxlen=MOST_HELD)).append(shown)
            return []
        released: Sequence[Shown] = ()
        if shown.stream == "state" and shown.service != self._own:
            released = self._held.pop(shown.service, ())
        is_given_up = shown.fields.get("state") == State.FAILED.value
        return [*(() if is_given_up else released), *([shown] if self._takes(shown) else ())]

    def _takes(self, shown: Shown) -> bool:
        if shown.stream == "state":
            return self._takes_state(shown)
        if shown.record is not None:
            return self._takes_record(shown.record)
        return shown.service in BOT

    def _takes_state(self, shown: Shown) -> bool:
        """States are shown from the first trouble of a service until it is ready again."""
        if shown.service == self._own:
            return True
        state, reason = shown.fields.get("state"), shown.fields.get("reason", "")
        if shown.service == "main":
            self._is_main_ready = state == State.READY.value
            self._is_main_broken = self._is_main_broken and not self._is_main_ready
        if state == State.READY.value:
            was_troubled = shown.service in self._troubled
            self._troubled.discard(shown.service)
            return was_troubled
        if state == State.FAILED.value:
            return False  # the error that ends the run says it
        if state in {State.BACKOFF.value, State.UNHEALTHY.value}:
            self._troubled.add(shown.service)
            return not (shown.service == "main" and self._is_main_broken)
        return bool(reason) and reason != "restart requested"

    def _takes_record(self, record: Record) -> bool:
        reload = record.extras.get("reload")
        if isinstance(reload, dict):
            self._is_main_broken = reload.get("ok") is False
            return True
        if not self._is_main_ready and record.logger.startswith(SENDER):
            return False  # main is being started here, or its error has been shown
        if record.severity >= WARNING:
            return True
        is_own = record.logger.split(".", 1)[0] in OWN
        return record.severity == 1 and (not is_own or record.logger in NOTICES)
