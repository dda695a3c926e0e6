"""Errors as paragraphs. Pure."""

from __future__ import annotations

from nescord_core.terminal.look import Look, paint
from nescord_core.terminal.wrapping import wrapped

__all__ = ["error_lines"]

WIDEST = 100


def error_lines(text: str, look: Look) -> list[str]:
    """Return an error as one paragraph behind ``Error:``, in red where there are colours.

    Lines of their own in the text, such as the end of a log, stay lines of their own.
    """
    width = min(look.width or WIDEST, WIDEST)
    first, *more = text.split("\n")
    label = paint("Error:", "bold red", look)
    return [*wrapped(f"{label} {first}", width), *more]
