"""Shows one service's lines, or those of all; the choice stays in view below the output."""

from __future__ import annotations

from collections.abc import Callable

from nescord_core.services.dev.display.keys import filter_line
from nescord_core.services.dev.display.selection import Selection
from nescord_core.supervisor.output import Output
from nescord_core.terminal.look import Look

__all__ = ["LineFilter"]


class LineFilter:
    """The filter of one terminal."""

    def __init__(self, output: Output, selection: Selection, look: Callable[[], Look]) -> None:
        self._output = output
        self._selection = selection
        self._look = look

    def show(self, service: str | None) -> None:
        """Show everything that a service says, or the chosen lines of all services (None)."""
        self._selection.focus = service
        self._output.filter(service, filter_line(service, self._look()) if service else "")

    def next(self) -> None:
        """Show the next service, or all after the last."""
        order = [None, *self._output.names, self._output.own]
        self.show(order[(order.index(self._output.only) + 1) % len(order)])
