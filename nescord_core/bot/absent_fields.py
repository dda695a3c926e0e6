"""Explains an `AttributeError` of None: which field of a payload is absent."""

from __future__ import annotations

import ast
import itertools
import linecache
from types import TracebackType

from nescord_core.payloads import View

__all__ = ["absent_field"]


def absent_field(error: BaseException) -> str:
    """Return a sentence on the field that was None where the error was raised; empty if none was.

    Discord leaves fields out where they do not apply, and sends only the changed ones in some updates.
    """
    if not isinstance(error, AttributeError) or error.obj is not None or error.__traceback__ is None:
        return ""
    last = error.__traceback__
    while last.tb_next is not None:
        last = last.tb_next
    read = _expression(last)
    if not isinstance(read, ast.Attribute) or not isinstance(read.value, ast.Attribute):
        return ""
    owner = _value(read.value.value, last)
    if not isinstance(owner, View):
        return ""
    name = read.value.attr
    state = "null" if name in owner.raw else "absent"
    return f"{ast.unparse(read.value)} is None: {name!r} is {state} in this {type(owner).__name__}."


def _expression(at: TracebackType) -> ast.expr | None:
    """Return the expression that was evaluated, if it is on one line."""
    positions = itertools.islice(at.tb_frame.f_code.co_positions(), at.tb_lasti // 2, None)
    line, end_line, start, end = next(positions, (None, None, None, None))
    if line is None or line != end_line:
        return None
    source = linecache.getline(at.tb_frame.f_code.co_filename, line, at.tb_frame.f_globals)
    try:
        return ast.parse(source.encode()[start:end].decode(), mode="eval").body
    except (SyntaxError, ValueError):
        return None


def _value(expression: ast.expr, at: TracebackType) -> object:
    """Return what a chain of names refers to, without running code: views and fields already read."""
    if isinstance(expression, ast.Name):
        return at.tb_frame.f_locals.get(expression.id)
    if isinstance(expression, ast.Attribute):
        owner = _value(expression.value, at)
        return owner.__dict__.get(expression.attr) if isinstance(owner, View) else None
    return None
