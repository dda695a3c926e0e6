"""Presents the lines of the services in this terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from nescord_core.services.dev.display.lines import LineStyle, render
from nescord_core.services.dev.display.selection import Selection
from nescord_core.supervisor.output import Shown
from nescord_core.terminal.look import Look

__all__ = ["Presenter"]


class Presenter:
    """Chooses and renders lines; ``look`` is asked for each, as a terminal's size changes."""

    def __init__(self, selection: Selection, style: LineStyle, look: Callable[[], Look]) -> None:
        self.selection = selection
        self._style = style
        self._look = look

    def __call__(self, shown: Shown) -> Sequence[str]:
        """Return the lines to show."""
        chosen = self.selection.choose(shown)
        if not chosen:
            return ()
        look = self._look()
        return [line for each in chosen for line in render(each, self._style, look)]
