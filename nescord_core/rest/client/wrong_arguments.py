"""The error for a keyword that an operation does not have, with the nearest one that it has."""

from __future__ import annotations

import difflib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from nescord_core.rest.client.parameters import Call

__all__ = ["check"]

_OPTIONS = frozenset(Call.__annotations__)
_PACKAGE = str(Path(__file__).parent)


def check(call: Mapping[str, Any], fields: Iterable[str]) -> None:
    """Check the keywords beside an operation's own arguments ``fields``.

    Raises:
        TypeError: one of them is not an option of every call (`Call`).

    """
    for name in call:
        if name not in _OPTIONS:
            known = [*fields, *_OPTIONS, "extra", "files", "reason"]
            near = difflib.get_close_matches(name, known, n=1)
            advice = (
                f"did you mean {near[0]!r}?" if near else "pass fields that nescord lacks as extra={...}."
            )
            raise TypeError(f"{_operation()}() has no field {name!r}; {advice}")


def _operation() -> str:
    """Return the name of the client's method that the bot's own code has called."""
    frame, name = sys._getframe(1), "request"
    while frame is not None and frame.f_code.co_filename.startswith(_PACKAGE):
        name = frame.f_code.co_name
        frame = frame.f_back  # type: ignore[assignment]  # None for the outermost frame
    return name
