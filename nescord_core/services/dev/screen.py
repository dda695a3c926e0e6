"""What `nescord dev` writes to: a terminal, a pipe or JSON lines, and how much of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TextIO

from nescord_core.config import Config
from nescord_core.services.dev import plan
from nescord_core.services.dev.display.lines import LineStyle
from nescord_core.services.dev.display.selection import Selection
from nescord_core.services.dev.line_filter import LineFilter
from nescord_core.services.dev.presenter import Presenter
from nescord_core.supervisor.output import Output
from nescord_core.supervisor.redaction import Redaction
from nescord_core.supervisor.spec import ServiceSpec
from nescord_core.terminal.detection import is_terminal, look_of
from nescord_core.terminal.look import Look
from nescord_core.tracing.names import Names

__all__ = ["Screen"]


@dataclass(frozen=True, slots=True)
class Screen:
    """The output of a run with its filter; ``is_quiet`` if only what concerns a person is shown.

    ``places`` are the channels' names, for what is rendered.
    """

    output: Output
    places: Names
    lines: LineFilter
    look: Callable[[], Look]
    is_quiet: bool

    @classmethod
    def of(
        cls,
        file: TextIO,
        own: str,
        specs: Iterable[ServiceSpec],
        settings: Config,
        *,
        as_json: bool,
        verbose: bool | None,
    ) -> Screen:
        """Return the screen of a file. Without ``verbose`` (None), only a terminal is quiet."""
        names = [spec.name for spec in specs]
        in_terminal = is_terminal(file)
        look = partial(look_of, file)
        is_quiet = in_terminal and not verbose if verbose is None else not verbose
        selection = Selection(own=own, verbose=not is_quiet)
        places = Names()
        style = LineStyle(
            (*names, own), settings.project, times=in_terminal, verbose=not is_quiet, places=places
        )
        output = Output(
            file,
            names=[spec.name for spec in specs if not spec.task],
            own=own,
            now=time.time,
            as_json=as_json,
            log_dir=settings.state_dir / "logs",
            redact=Redaction(plan.secrets(settings)),
            present=Presenter(selection, style, look),
        )
        return cls(output, places, LineFilter(output, selection, look), look, is_quiet and not as_json)
